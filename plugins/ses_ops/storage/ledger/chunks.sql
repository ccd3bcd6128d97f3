-- name: lock_cached_of_task
-- What this run may take, oldest cached first; a person's trigger does not wait for the due time.
SELECT c.id, c.occurrence_id, c.first_seq, c.last_seq, c.pending, c.sent, c.failed, c.suppressed, c.unknown,
       c.sending_through, c.cached_at
FROM chunk c
WHERE c.task_id = %(task_id)s AND c.state = 'cached' AND (%(all_due)s OR c.due_at <= %(now)s)
ORDER BY c.cached_at NULLS LAST, c.occurrence_id, c.first_seq
FOR UPDATE;

-- name: cached_besides
-- Cached mail besides what this run may take that becomes due within this quota day and so has first call on it: other
-- tasks', and this task's own that is due later today. Tasks that a person stopped, or that wait for one, hold nobody
-- up; neither does what a test send left behind, which is never sent later.
SELECT c.cached_at, sum(c.pending)::bigint AS pending
FROM chunk c
JOIN send_task t ON t.id = c.task_id
WHERE c.sender_domain = %(sender_domain)s AND c.state = 'cached' AND c.id <> ALL(%(mine)s::bigint[])
  AND c.cached_at IS NOT NULL AND c.due_at < %(ends_at)s AND t.listed
  AND t.paused_at IS NULL AND t.cancelled_at IS NULL AND t.deleted_at IS NULL AND t.error IS NULL
GROUP BY c.cached_at ORDER BY c.cached_at;

-- name: reserve_chunk
-- Why it was cached is over: what is noted from here on is why this try did not send it. The domain is the quota day's.
UPDATE chunk SET state = 'reserved', sender_domain = %(sender_domain)s, run_id = %(run_id)s, reserved_at = clock_timestamp(),
    quota_day_id = %(quota_day_id)s, reserved = pending, used_before = sent + unknown, attempt_id = NULL, reason = NULL,
    reason_explained = NULL
WHERE id = %(id)s;

-- name: shrink_chunk
-- The first part of a chunk that is cut keeps its row.
UPDATE chunk SET last_seq = %(last_seq)s, pending = %(pending)s, sent = %(sent)s, failed = %(failed)s,
    suppressed = %(suppressed)s, unknown = %(unknown)s, sending_through = least(sending_through, %(last_seq)s)
WHERE id = %(id)s;

-- name: insert_rest
-- The second part of a chunk that is cut: as cached as before.
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, failed,
                   suppressed, unknown, sending_through, cached_at, due_at, reason, reason_explained, setbacks,
                   reserved_at)
SELECT occurrence_id, task_id, sender_domain, %(first_seq)s, %(last_seq)s,
       CASE WHEN %(pending)s = 0 THEN 'settled' ELSE 'cached' END::chunk_state, %(pending)s, %(sent)s, %(failed)s,
       %(suppressed)s, %(unknown)s, greatest(%(sending_through)s, %(first_seq)s - 1), cached_at, due_at, reason,
       reason_explained,
       setbacks, reserved_at
FROM chunk WHERE id = %(id)s
RETURNING id;

-- name: cache_chunk
-- The quota ran out, or has not begun. The first caching decides the order of service and is kept; so is a resume that is
-- still to come, or every trigger by hand would queue one more run.
UPDATE chunk SET reason = %(reason)s, reason_explained = %(reason_explained)s::jsonb, setbacks = 0,
    cached_at = coalesce(cached_at, %(now)s),
    due_at = CASE WHEN cached_at IS NOT NULL AND due_at > %(now)s THEN due_at ELSE %(due_at)s END
WHERE id = %(id)s;

-- name: move_cached
-- The task sends from another domain now: its cached mail waits for that domain's quota. When the person who changed the
-- task may start mail (`sooner`), the due time and the reason of the former domain no longer count.
UPDATE chunk SET sender_domain = %(sender_domain)s,
    due_at = CASE WHEN %(sooner)s THEN least(due_at, now()) ELSE due_at END,
    reason = CASE WHEN %(sooner)s AND cached_at IS NOT NULL THEN %(reason)s ELSE reason END,
    reason_explained = CASE WHEN %(sooner)s AND cached_at IS NOT NULL THEN %(reason_explained)s::jsonb
                            ELSE reason_explained END
WHERE task_id = %(task_id)s AND state = 'cached' AND sender_domain <> %(sender_domain)s;

-- name: hurry_refused
-- The mail is another now: what a server refused or deferred need not wait as long as that one had to.
UPDATE chunk SET due_at = least(due_at, now()), setbacks = 0, reason = %(reason)s,
    reason_explained = %(reason_explained)s::jsonb
WHERE task_id = %(task_id)s AND state = 'cached' AND setbacks > 0;

-- name: reserved_of_run
SELECT c.id, c.run_id, c.reason, c.reason_explained FROM chunk c
WHERE c.run_id = %(run_id)s AND c.task_id = %(task_id)s AND c.state = 'reserved'
ORDER BY c.occurrence_id, c.first_seq;

-- name: lock_chunk
SELECT c.id, c.occurrence_id, c.task_id, c.state, c.first_seq, c.last_seq, c.pending, c.sent, c.unknown, c.run_id,
       c.sending_through, c.quota_day_id, c.reserved, c.used_before, c.attempt_id, c.setbacks, c.steps
FROM chunk c WHERE c.id = %(id)s FOR UPDATE;

-- name: release_chunk
-- Ends a reservation: with nothing pending the chunk is settled, else its rest is cached until `due_at`. What is cached
-- waits for the quota of the domain that its task sends from now.
UPDATE chunk SET
    sender_domain = CASE WHEN pending = 0 THEN sender_domain
                         ELSE (SELECT t.sender_domain FROM send_task t WHERE t.id = task_id) END,
    state = CASE WHEN pending = 0 THEN 'settled' ELSE 'cached' END::chunk_state,
    cached_at = CASE WHEN pending = 0 THEN cached_at ELSE coalesce(cached_at, clock_timestamp()) END,
    due_at = CASE WHEN pending = 0 THEN NULL ELSE %(due_at)s::timestamptz END,
    reason = CASE WHEN pending = 0 THEN NULL ELSE %(reason)s::text END,
    reason_explained = CASE WHEN pending = 0 THEN NULL ELSE %(reason_explained)s::jsonb END,
    setbacks = CASE WHEN %(setback)s::boolean THEN least(setbacks + 1, 100) ELSE 0 END,
    reserved = 0, attempt_id = NULL
WHERE id = %(id)s AND state = 'reserved';

-- name: give_back_quota
-- What was used stays used, what was only reserved goes back to the day.
UPDATE quota_day SET reserved = reserved - %(reserved)s, used = used + %(used)s WHERE id = %(id)s;

-- name: cached_summary
-- When the next run has something to do, and why the mail waits.
SELECT min(due_at) AS due_at, coalesce(sum(pending), 0)::bigint AS pending,
       (array_agg(reason ORDER BY due_at))[1] AS reason,
       (array_agg(reason_explained ORDER BY due_at))[1] AS reason_explained
FROM chunk WHERE task_id = %(task_id)s AND state = 'cached';

-- name: overdue_tasks
-- Cached mail that is due and that no run took: its trigger was lost.
SELECT t.name
FROM chunk c JOIN send_task t ON t.id = c.task_id
WHERE c.state = 'cached' AND c.due_at < now() - %(timeout)s::interval AND t.listed
  AND t.paused_at IS NULL AND t.cancelled_at IS NULL AND t.deleted_at IS NULL AND t.error IS NULL
GROUP BY t.name ORDER BY min(c.due_at);

-- name: stale_reserved
-- Reserved chunks of runs of which no attempt was alive for a while: they died before they could settle. Under a rate limit
-- the last chunk of a run waits for hours while the others are sent. No attempt is older than its quota day. Processes of
-- single messages are known to live by their own lock (storage/single_messages/processes.sql).
WITH alive AS MATERIALIZED (
    SELECT DISTINCT b.task_id, a.run_id FROM attempt a JOIN chunk b ON b.id = a.chunk_id
    WHERE a.started_at > now() - interval '2 days' AND a.heartbeat_at > now() - %(timeout)s::interval
)
SELECT c.id, c.run_id, c.reason, c.reason_explained FROM chunk c
WHERE c.state = 'reserved' AND c.reserved_at < now() - %(timeout)s::interval AND c.run_id NOT LIKE 'api:%%'
  AND NOT EXISTS (SELECT 1 FROM alive WHERE alive.task_id = c.task_id AND alive.run_id = c.run_id);

-- name: requeue_failed
-- A person asks for the failed ones to be sent again, of some codes or of all; the days after which a message is given up
-- begin anew. Who is on the suppression list is left as it is: another try would only say so. What of the chunk waits for
-- quota keeps its time, and they leave with it.
WITH again AS (
    UPDATE message m SET state = 'requeued', changed_at = now(), first_deferred_at = NULL,
        retried_code = CASE WHEN %(state)s = 'failed' THEN coalesce(m.smtp_code, 0) END
    FROM chunk c JOIN send_task t ON t.id = c.task_id
    WHERE c.id = %(chunk_id)s AND m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
      AND m.state = %(state)s::message_state
      AND (%(codes)s::int[] IS NULL OR coalesce(m.smtp_code, 0) = ANY(%(codes)s::int[]))
      AND (%(state)s <> 'failed' OR NOT EXISTS (
          SELECT FROM suppression s
          WHERE s.address_key = m.address_key AND s.scope IN ('', t.sender_domain)
            AND (s.expires_at IS NULL OR s.expires_at > now())))
    RETURNING m.seq, m.attempt_id
), noted AS (
    -- What is tried again has not failed: the attempt that failed with it no longer counts it either.
    UPDATE attempt a SET failed = greatest(a.failed - n.count, 0)
    FROM (SELECT attempt_id, count(*)::int AS count FROM again GROUP BY 1) n
    WHERE a.id = n.attempt_id AND %(state)s = 'failed'
)
UPDATE chunk SET state = 'cached', pending = pending + n.count, setbacks = 0,
    due_at = CASE WHEN state = 'cached' AND pending > 0 AND setbacks = 0 AND due_at > now() THEN due_at ELSE now() END,
    cached_at = coalesce(cached_at, now()),
    reason = CASE WHEN state = 'cached' AND pending > 0 AND setbacks = 0 AND due_at > now() THEN reason ELSE %(reason)s END,
    reason_explained = CASE WHEN state = 'cached' AND pending > 0 AND setbacks = 0 AND due_at > now() THEN reason_explained
                            ELSE %(reason_explained)s::jsonb END,
    failed = failed - CASE WHEN %(state)s = 'failed' THEN n.count ELSE 0 END,
    unknown = unknown - CASE WHEN %(state)s = 'unknown' THEN n.count ELSE 0 END
FROM (SELECT count(*)::int AS count FROM again) n
WHERE id = %(chunk_id)s AND state <> 'reserved' AND n.count > 0
RETURNING n.count;

-- name: assume_sent
-- A message that a person counts as sent counts for the attempt, and so for the day, that had handed it over.
WITH settled AS (
    UPDATE message m SET state = 'sent', changed_at = now(), smtp_text = 'assumed sent by a person'
    FROM chunk c
    WHERE c.id = %(chunk_id)s AND m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
      AND m.state = 'unknown'
    RETURNING m.seq, m.attempt_id
), noted AS (
    UPDATE attempt a SET sent = coalesce(a.sent, 0) + n.count
    FROM (
        SELECT coalesce(attempt_id, (SELECT max(id) FROM attempt WHERE chunk_id = %(chunk_id)s)) AS attempt_id,
               count(*)::int AS count
        FROM settled GROUP BY 1
    ) n WHERE a.id = n.attempt_id
)
UPDATE chunk SET sent = sent + n.count, unknown = unknown - n.count
FROM (SELECT count(*)::int AS count FROM settled) n WHERE id = %(chunk_id)s
RETURNING n.count;

-- name: lock_with_outcome
-- Chunks that hold failed or unknown messages, locked for a person's decision.
SELECT id, state FROM chunk
WHERE task_id = %(task_id)s AND CASE %(state)s WHEN 'failed' THEN failed ELSE unknown END > 0
ORDER BY id FOR UPDATE;

-- name: release_cached_now
-- A person resumes: what a server deferred is tried now. What waits for quota keeps its time, unless there is some now:
-- a run that finds none would put it back by a day.
UPDATE chunk SET due_at = now() WHERE task_id = %(task_id)s AND state = 'cached' AND due_at > now()
  AND (setbacks > 0 OR %(quota_left)s);

-- name: reservation_of
-- Where a chunk's reservation counts: looked at without a lock, because the day is locked before the chunk.
SELECT state, quota_day_id, pending FROM chunk WHERE id = %(id)s;

-- name: lock_day_of_chunk
SELECT id FROM quota_day WHERE id = %(id)s FOR UPDATE;

-- name: note_reason
-- What the last try met, for whoever looks and for the release.
UPDATE chunk SET reason = %(reason)s, reason_explained = %(reason_explained)s::jsonb WHERE id = %(id)s AND state = 'reserved';

-- name: count_range
-- What each state holds in a part of a chunk: needed only when one is cut in two.
SELECT count(*) FILTER (WHERE state IN ('queued', 'requeued', 'sending'))::int AS pending,
       count(*) FILTER (WHERE state = 'sent')::int AS sent,
       count(*) FILTER (WHERE state = 'failed')::int AS failed,
       count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed,
       count(*) FILTER (WHERE state = 'unknown')::int AS unknown
FROM message WHERE occurrence_id = %(occurrence_id)s AND seq BETWEEN %(first_seq)s AND %(last_seq)s;

-- name: read_in_order
-- For this transaction. The planner does not know a fresh audience yet: it would read and sort a million rows to find the
-- fifty-thousandth, and again for the next chunk; 12 s for twenty of them in place of 1.
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_seqscan', 'off', true);

-- name: seq_of_nth_pending
-- The last message of a part that holds exactly n pending ones.
SELECT seq FROM message
WHERE occurrence_id = %(occurrence_id)s AND seq BETWEEN %(first_seq)s AND %(last_seq)s
  AND state IN ('queued', 'requeued', 'sending')
ORDER BY seq OFFSET %(n)s - 1 LIMIT 1;

-- name: being_sent
-- Whether a run holds mail of this task.
SELECT EXISTS (SELECT FROM chunk WHERE task_id = %(task_id)s AND state = 'reserved');
