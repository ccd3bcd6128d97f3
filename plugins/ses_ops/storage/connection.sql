-- name: now
-- The clock's time, not the transaction's beginning: whoever waited for a lock asks how late it is by now.
SELECT clock_timestamp();
