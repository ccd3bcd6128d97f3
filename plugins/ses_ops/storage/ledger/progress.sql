-- name: chunks_of_run
-- What a DAG run is about: the occurrence that it began, and chunks that it took or tries to send.
SELECT c.id FROM chunk c JOIN occurrence o ON o.id = c.occurrence_id
WHERE c.task_id = %(task_id)s
  AND (o.run_id = %(run_id)s OR c.run_id = %(run_id)s
       OR EXISTS (SELECT 1 FROM attempt a WHERE a.chunk_id = c.id AND a.run_id = %(run_id)s))
ORDER BY c.id;

-- name: counts
-- What part of a task's mail stands where: sums over chunks, as the list of tasks has them.
SELECT coalesce(sum(last_seq - first_seq + 1), 0)::bigint AS request_count, coalesce(sum(sent), 0)::bigint AS sent_count,
       coalesce(sum(failed), 0)::bigint AS failed_count, coalesce(sum(suppressed), 0)::bigint AS suppressed_count,
       coalesce(sum(unknown), 0)::bigint AS unknown_count,
       coalesce(sum(pending) FILTER (WHERE standing = 'cancelled'), 0)::bigint AS cancelled_count,
       coalesce(sum(pending) FILTER (WHERE standing = 'cached'), 0)::bigint AS cached_count,
       coalesce(sum(pending) FILTER (WHERE standing = 'retrying'), 0)::bigint AS retrying_count,
       coalesce(sum(pending) FILTER (WHERE standing = 'queued'), 0)::bigint AS queued_count,
       coalesce(sum(pending) FILTER (WHERE standing = 'sending'), 0)::bigint AS in_progress_count,
       count(*)::int AS chunks
FROM chunk_now
WHERE task_id = %(task_id)s AND (%(occurrence_id)s::bigint IS NULL OR occurrence_id = %(occurrence_id)s)
  AND (%(chunk_ids)s::bigint[] IS NULL OR id = ANY(%(chunk_ids)s));

-- name: occurrences
-- The newest first, from a key on; each with where its mail stands.
SELECT o.*, c.*
FROM (
    SELECT id, number, key, run_id, logical_at, created_at, held_reason, held_reason_explained, frozen_at, finished_at, request_count
    FROM occurrence
    WHERE task_id = %(task_id)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
      AND (%(run_id)s::text IS NULL OR run_id = %(run_id)s
           OR id IN (SELECT occurrence_id FROM chunk WHERE id = ANY(%(chunk_ids)s::bigint[])))
    ORDER BY id DESC LIMIT %(limit)s
) o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(sent), 0)::bigint AS sent_count, coalesce(sum(failed), 0)::bigint AS failed_count,
           coalesce(sum(suppressed), 0)::bigint AS suppressed_count, coalesce(sum(unknown), 0)::bigint AS unknown_count,
           coalesce(sum(pending) FILTER (WHERE standing = 'cancelled'), 0)::bigint AS cancelled_count,
           coalesce(sum(pending) FILTER (WHERE standing = 'cached'), 0)::bigint AS cached_count,
           coalesce(sum(pending) FILTER (WHERE standing = 'retrying'), 0)::bigint AS retrying_count,
           coalesce(sum(pending) FILTER (WHERE standing = 'queued'), 0)::bigint AS queued_count,
           coalesce(sum(pending) FILTER (WHERE standing = 'sending'), 0)::bigint AS in_progress_count,
           min(next_try_at) AS due_at
    FROM chunk_now WHERE task_id = %(task_id)s AND occurrence_id = o.id
) c
ORDER BY o.id DESC;

-- name: newer_key
-- A page of occurrences backwards: as many as fit on it from the key on, and the one behind them is the page's own key.
SELECT id
FROM occurrence
WHERE task_id = %(task_id)s AND id >= %(before)s
  AND (%(run_id)s::text IS NULL OR run_id = %(run_id)s
       OR id IN (SELECT occurrence_id FROM chunk WHERE id = ANY(%(chunk_ids)s::bigint[])))
ORDER BY id OFFSET %(limit)s LIMIT 1;

-- name: chunks
-- Those that are being sent, then those that wait, then what is settled, the newest first; with how long somebody was
-- busy with each. A dead attempt was busy until its last sign of life.
SELECT c.*, o.key AS occurrence, o.number AS occurrence_number, a.attempts, a.seconds, a.handled
FROM (
    SELECT id, occurrence_id, first_seq, last_seq, state, standing, pending, sent, failed, suppressed, unknown, cached_at,
           next_try_at, why, why_explained, run_id, reserved_at, attempt_id
    FROM chunk_now
    WHERE task_id = %(task_id)s AND (%(occurrence_id)s::bigint IS NULL OR occurrence_id = %(occurrence_id)s)
      AND (%(chunk_ids)s::bigint[] IS NULL OR id = ANY(%(chunk_ids)s))
    ORDER BY CASE state WHEN 'reserved' THEN 0 WHEN 'cached' THEN 1 ELSE 2 END, reserved_at DESC NULLS LAST,
             occurrence_id DESC, first_seq
    LIMIT %(limit)s OFFSET %(offset)s
) c
JOIN occurrence o ON o.id = c.occurrence_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS attempts,
           sum(extract(epoch FROM
               greatest(least(coalesce(ended_at, now()), least(heartbeat_at, now()) + interval '5 seconds'), 'epoch')
               - least(greatest(started_at, 'epoch'), now())))::float8 AS seconds,
           sum(CASE WHEN sent IS NOT NULL THEN sent::bigint + failed
                    WHEN id = c.attempt_id THEN c.sent::bigint - sent_before + c.failed - failed_before
                    ELSE 0 END)::bigint AS handled
    FROM attempt WHERE chunk_id = c.id
) a
ORDER BY CASE c.state WHEN 'reserved' THEN 0 WHEN 'cached' THEN 1 ELSE 2 END, c.reserved_at DESC NULLS LAST,
         c.occurrence_id DESC, c.first_seq;

-- name: bursts
-- When how many messages left: one row an attempt, of the newest chunks. An attempt is a few seconds of work.
-- Moments are kept within what a chart can draw, whatever is stored.
SELECT least(greatest(a.started_at, 'epoch'), now()) AS started_at,
       greatest(least(greatest(a.started_at, 'epoch'), now()),
                least(coalesce(a.ended_at, now()), least(a.heartbeat_at, now()) + interval '5 seconds')) AS ended_at,
       CASE WHEN a.sent IS NOT NULL THEN a.sent
            WHEN a.id = c.attempt_id THEN greatest(c.sent::bigint - a.sent_before, 0) ELSE 0 END AS sent,
       CASE WHEN a.failed IS NOT NULL THEN a.failed
            WHEN a.id = c.attempt_id THEN greatest(c.failed::bigint - a.failed_before, 0) ELSE 0 END AS failed,
       a.ended_at IS NULL AND a.heartbeat_at > now() - interval '15 seconds' AS alive, a.run_id,
       a.ending IN ('died', 'stopped') OR (a.ended_at IS NULL AND a.heartbeat_at < now() - interval '15 seconds')
           AS interrupted
FROM (
    SELECT id, sent, failed, attempt_id FROM chunk
    WHERE task_id = %(task_id)s AND (%(occurrence_id)s::bigint IS NULL OR occurrence_id = %(occurrence_id)s)
      AND (%(chunk_ids)s::bigint[] IS NULL OR id = ANY(%(chunk_ids)s))
    ORDER BY occurrence_id DESC, first_seq DESC LIMIT %(limit)s
) c
JOIN attempt a ON a.chunk_id = c.id
WHERE %(run_id)s::text IS NULL OR a.run_id = %(run_id)s
ORDER BY a.started_at;

-- name: occurrence_by_number
SELECT id FROM occurrence WHERE task_id = %(task_id)s AND number = %(number)s;

-- name: pauses
SELECT paused_at, resumed_at FROM task_pause WHERE task_id = %(task_id)s ORDER BY paused_at DESC LIMIT 1000;
