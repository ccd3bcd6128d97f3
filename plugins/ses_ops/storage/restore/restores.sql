-- name: newest_moment
-- The newest that the ledger knows: its backup is not older. Read by primary key from the end, whatever the ledger's size.
SELECT greatest(
    (SELECT max(greatest(a.started_at, a.heartbeat_at, a.ended_at))
     FROM (SELECT started_at, heartbeat_at, ended_at FROM attempt ORDER BY id DESC LIMIT 1000) a),
    (SELECT max(created_at) FROM (SELECT created_at FROM occurrence ORDER BY id DESC LIMIT 1000) o),
    (SELECT max(accepted_at) FROM (SELECT accepted_at FROM single_message ORDER BY id DESC LIMIT 1000) m),
    (SELECT max(greatest(created_at, updated_at)) FROM send_task),
    (SELECT max(beat_at) FROM (SELECT beat_at FROM single_message_process ORDER BY id DESC LIMIT 1000) p),
    (SELECT max(seen_at) FROM ledger_home));

-- name: insert
INSERT INTO ledger_restore (restored_by, taken_at, until, nothing_was_sent)
VALUES (%(who)s, %(taken_at)s, %(until)s, %(nothing_was_sent)s) RETURNING id;

-- name: count
UPDATE ledger_restore SET bulk = %(bulk)s, single = %(single)s WHERE id = %(id)s;

-- name: list
SELECT id, restored_at, restored_by, taken_at, until, nothing_was_sent, bulk, single
FROM ledger_restore ORDER BY id DESC;

-- name: sent_until
SELECT max(until) FROM ledger_restore WHERE NOT nothing_was_sent;
