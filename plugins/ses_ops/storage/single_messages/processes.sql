-- name: begin
INSERT INTO single_message_process (host, pid) VALUES (%(host)s, %(pid)s) RETURNING id, name::text AS name;

-- name: try_lock
-- Held for as long as the session lives, so a dead process never holds it. Counted: see ledger/chunk_locks.sql.
SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %(lock)s AND objid = %(id)s
               AND objsubid = 2 AND pid = pg_backend_pid()
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    OR pg_try_advisory_lock(%(lock)s, %(id)s);

-- name: unlock
SELECT pg_advisory_unlock(%(lock)s, %(id)s);

-- name: beat
-- A process that was taken for dead, and is not, hears of it here. Then the number of living ones, this one included.
WITH mine AS (
    UPDATE single_message_process SET beat_at = clock_timestamp(), rate = %(rate)s,
        turned_away = %(turned_away)s
    WHERE id = %(id)s AND ended_at IS NULL
    RETURNING id
), attempts AS (
    UPDATE attempt SET heartbeat_at = now() WHERE id = ANY(%(attempt_ids)s::bigint[]) AND EXISTS (SELECT FROM mine)
)
SELECT count(*)::int AS living FROM mine CROSS JOIN single_message_process p
WHERE p.id = mine.id OR (p.ended_at IS NULL AND p.beat_at > clock_timestamp() - interval '15 seconds');

-- name: not_ended
SELECT id, name::text AS name, beat_at FROM single_message_process WHERE ended_at IS NULL AND id <> %(besides)s ORDER BY id;

-- name: not_settled
-- Processes that ended with chunks still in their name: the one that took them over died, too.
SELECT DISTINCT p.id, p.name::text AS name, p.beat_at FROM chunk c
JOIN single_message_process p ON c.run_id = 'api:' || p.name::text
WHERE c.state = 'reserved' AND p.ended_at IS NOT NULL;

-- name: end
UPDATE single_message_process SET ended_at = coalesce(ended_at, now()), rate = 0, turned_away = false WHERE id = %(id)s;

-- name: finish_occurrences
-- No more messages come into them. What of them is pending in a chunk that is cached is sent by whoever is there.
UPDATE occurrence o SET frozen_at = coalesce(o.frozen_at, now()), finished_at = coalesce(o.finished_at, now()),
    announced_by = coalesce(o.announced_by, ''),
    request_count = (SELECT coalesce(sum(c.last_seq - c.first_seq + 1), 0) FROM chunk c
                     WHERE c.occurrence_id = o.id AND c.task_id = o.task_id)
FROM send_task t
WHERE t.id = o.task_id AND t.type = 'api' AND split_part(o.key, ' ', 1) = %(name)s;

-- name: chunks_of
SELECT id FROM chunk WHERE run_id = %(run_id)s AND state = 'reserved' ORDER BY id;
