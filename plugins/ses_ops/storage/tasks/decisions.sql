-- name: being_sent
-- A run holds mail of this task.
SELECT id FROM chunk WHERE task_id = %(task_id)s AND state = 'reserved' LIMIT 1;
