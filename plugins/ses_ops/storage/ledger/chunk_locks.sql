-- name: try_lock
-- The lock lives as long as the session, so a dead process never holds it. It is counted: taking it twice in one session would
-- need two releases.
SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %(lock)s AND objid = %(chunk_id)s
               AND objsubid = 2 AND pid = pg_backend_pid())
    OR pg_try_advisory_lock(%(lock)s, %(chunk_id)s);

-- name: unlock
SELECT pg_advisory_unlock(%(lock)s, %(chunk_id)s);

-- name: end_old_sessions
-- Those of a sender whose connections are lost and that live on there: one holds the chunk's lock, and nobody else may end it sooner.
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %(lock)s AND objid = %(chunk_id)s AND objsubid = 2 AND pid = ANY(%(pids)s)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
