-- name: begin
-- What its chunk counts now tells later what this attempt did.
INSERT INTO attempt (chunk_id, run_id, host, pid, edition, opens_tracked, clicks_tracked, sent_before, failed_before,
                     quota_day_id)
SELECT id, %(run_id)s, %(host)s, %(pid)s, %(edition)s, %(opens)s, %(clicks)s, sent, failed, quota_day_id
FROM chunk WHERE id = %(chunk_id)s
RETURNING id, journal_id::text;

-- name: journal_of
SELECT journal_id::text FROM attempt WHERE id = %(id)s;

-- name: exists
SELECT EXISTS (SELECT FROM attempt WHERE id = %(id)s AND journal_id = %(journal_id)s);

-- name: last_attempt
SELECT host, pid FROM attempt WHERE chunk_id = %(chunk_id)s ORDER BY id DESC LIMIT 1;

-- name: take_chunk
-- The fence: from this commit on, no older attempt can advance the mark of this chunk.
UPDATE chunk SET attempt_id = %(attempt_id)s, steps = 0 WHERE id = %(chunk_id)s;

-- name: end
-- The first end is kept, the counts are the last: what a dead attempt left in doubt is settled after its end.
UPDATE attempt a SET ended_at = coalesce(a.ended_at, now()), ending = coalesce(a.ending, %(ending)s),
    sent = greatest(c.sent - a.sent_before, 0), failed = greatest(c.failed - a.failed_before, 0)
FROM chunk c WHERE a.id = %(id)s AND c.id = a.chunk_id;

-- name: in_doubt
-- Messages that a dead attempt had marked and not reported: it may have sent them, or not. And those that its journal
-- says it began (`begun`) though the mark is not over them: the database has lost the commit that moved it.
SELECT m.seq FROM message m JOIN chunk c ON m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
WHERE c.id = %(chunk_id)s AND (m.state = 'sending' OR (m.state = 'queued' AND m.seq <= c.sending_through)
                           OR (m.state IN ('queued', 'requeued') AND m.seq = ANY(%(begun)s)))
ORDER BY m.seq FOR UPDATE OF m;

-- name: settle_doubtful
-- What the dead attempt's journal says of them, or else what the task wants. A text that is there already stays: it is
-- that of an earlier try.
UPDATE message m SET state = d.state, smtp_code = coalesce(d.code, m.smtp_code), attempt_id = coalesce(%(attempt_id)s, m.attempt_id),
    changed_at = now(), tries = m.tries + d.tried, smtp_text = coalesce(d.text, m.smtp_text)
FROM unnest(%(seqs)s::int[], %(states)s::message_state[], %(codes)s::smallint[], %(texts)s::text[],
            %(tried)s::smallint[]) AS d (seq, state, code, text, tried)
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = d.seq;

-- name: count_settled
UPDATE chunk SET pending = pending - %(sent)s - %(failed)s - %(unknown)s, sent = sent + %(sent)s,
    failed = failed + %(failed)s, unknown = unknown + %(unknown)s
WHERE id = %(chunk_id)s;

-- name: charge_doubt
-- Tries that are made again though the server may have taken them: each has used a place of the day. Where the day has
-- no room for as many more (beside what is promised to mail that is cached), the chunk gives up places of its own, and
-- as many of its messages wait. Returns the number of those. The day is locked before the chunk, as by reserving.
WITH day AS (
    SELECT id, sender_domain, starts_at, ends_at, allotment - reserved - used AS room
    FROM quota_day WHERE id = %(quota_day_id)s FOR UPDATE
), free AS (
    SELECT least(%(count)s, greatest(0, d.room - b.taken - w.promised))::int AS count
    FROM day d CROSS JOIN LATERAL (
        SELECT coalesce(sum(o.reserved + o.used), 0) AS taken FROM quota_day o
        WHERE o.sender_domain = d.sender_domain AND o.id <> d.id AND o.ends_at > d.starts_at AND o.starts_at < d.ends_at
    ) b CROSS JOIN LATERAL (
        SELECT coalesce(sum(c.pending), 0) AS promised FROM chunk c JOIN send_task t ON t.id = c.task_id
        WHERE c.sender_domain = d.sender_domain AND c.state = 'cached' AND c.cached_at IS NOT NULL
          AND c.due_at < d.ends_at AND t.listed AND t.paused_at IS NULL AND t.cancelled_at IS NULL
          AND t.deleted_at IS NULL AND t.error IS NULL
    ) w
), mine AS (
    SELECT c.id, least(c.reserved, %(count)s - f.count) AS given_up FROM free f CROSS JOIN chunk c
    WHERE c.id = %(chunk_id)s AND c.state = 'reserved' FOR UPDATE OF c
), chunk_of_it AS (
    UPDATE chunk c SET reserved = c.reserved - m.given_up FROM mine m WHERE c.id = m.id
)
UPDATE quota_day q SET used = q.used + %(count)s, reserved = q.reserved - m.given_up
FROM mine m WHERE q.id = %(quota_day_id)s
RETURNING m.given_up;

-- name: requeue_refused
-- The server refused one after the other, and took none: the reason was not in them. They wait, with its words.
WITH mine AS (
    SELECT id FROM chunk WHERE id = %(chunk_id)s AND attempt_id = %(attempt_id)s AND state = 'reserved' FOR UPDATE
), back AS (
    UPDATE message m SET state = 'requeued', changed_at = clock_timestamp() FROM mine
    WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = ANY(%(seqs)s) AND m.state = 'failed'
      AND m.attempt_id = %(attempt_id)s
    RETURNING m.seq
)
UPDATE chunk c SET failed = c.failed - n.count, pending = c.pending + n.count
FROM (SELECT count(*)::int AS count FROM back) n, mine WHERE c.id = mine.id;

-- name: fence_steps
-- No statement that was sent before can come through any more. By more than any attempt has steps, so that however often
-- a fence is repeated because its answer was lost, it cannot be taken for a step.
UPDATE chunk SET steps = steps + %(fence)s WHERE id = %(chunk_id)s;
