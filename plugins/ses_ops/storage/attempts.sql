-- name: insert_attempt
INSERT INTO attempt (chunk_id, run_id, host, pid) VALUES (%(chunk_id)s, %(run_id)s, %(host)s, %(pid)s) RETURNING id;

-- name: last_attempt
SELECT id, host, pid, started_at FROM attempt WHERE chunk_id = %(chunk_id)s ORDER BY id DESC LIMIT 1;

-- name: take_chunk
-- The fence: from this commit on, no older attempt can advance the mark of this chunk.
UPDATE chunk SET attempt_id = %(attempt_id)s, steps = 0 WHERE id = %(chunk_id)s;

-- name: end_attempt
UPDATE attempt SET ended_at = now(), ending = %(ending)s WHERE id = %(id)s AND ended_at IS NULL;

-- name: heartbeat
-- Also counts the attempts alive now, this one included: rates are divided by it.
WITH beat AS (UPDATE attempt SET heartbeat_at = now() WHERE id = %(id)s)
SELECT count(*)::int + 1 FROM attempt
WHERE ended_at IS NULL AND heartbeat_at > now() - interval '15 seconds' AND id <> %(id)s;

-- name: doubtful_of_chunk
-- Messages that a dead attempt had marked: it may have sent them, or not.
UPDATE message m SET state = %(state)s::message_state, attempt_id = %(attempt_id)s, changed_at = now(),
    smtp_text = coalesce(m.smtp_text, 'the sending process died before the outcome was known')
FROM chunk c
WHERE c.id = %(chunk_id)s AND m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
  AND (m.state = 'sending' OR (m.state = 'queued' AND m.seq <= c.sending_through));

-- name: count_doubtful
UPDATE chunk SET pending = pending - %(count)s, unknown = unknown + %(count)s WHERE id = %(chunk_id)s;

-- name: requeued_of_chunk
SELECT m.seq, m.address, m."values", m.tries
FROM message m
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq BETWEEN %(first_seq)s AND %(last_seq)s AND m.state = 'requeued'
ORDER BY m.seq;

-- name: mark_sending
-- Requeued messages lie behind the mark, so they carry their own.
UPDATE message SET state = 'sending', attempt_id = %(attempt_id)s, changed_at = clock_timestamp()
WHERE occurrence_id = %(occurrence_id)s AND seq = ANY(%(seqs)s) AND state = 'requeued';

-- name: suppressed_now
-- Which messages of a batch must not leave any more.
SELECT m.seq, s.reason
FROM message m JOIN suppression s ON s.address_key = m.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = ANY(%(seqs)s);

-- name: prepare_step
-- The hot path, planned once a connection: one round trip writes the outcomes of the last batch, looks at the next
-- one and at the suppression list, counts, and moves the mark over it. Nothing comes back when another attempt has
-- taken the chunk over. The `= ANY` makes the update look up by key: joined with unnest alone, the planner would read
-- the whole occurrence.
-- $1 chunk, $2 attempt, $3 occurrence, $4 first seq not marked, $5 last seq of the chunk, $6 messages to mark,
-- $7 seqs, $8 states, $9 codes, $10 texts, $11 tried
PREPARE ledger_step (bigint, bigint, bigint, int, int, int, int[], message_state[], smallint[], text[], smallint[]) AS
WITH batch AS (
    SELECT m.seq, m.address, m."values", m.tries, s.reason
    FROM message m
    LEFT JOIN suppression s ON s.address_key = m.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
    WHERE m.occurrence_id = $3 AND m.seq BETWEEN $4 AND $5 AND m.state = 'queued'
    ORDER BY m.seq LIMIT $6
), outcome (seq, state, code, text, tried) AS (
    SELECT * FROM unnest($7, $8, $9, $10, $11)
    UNION ALL
    SELECT seq, 'suppressed', NULL, reason, 0::smallint FROM batch WHERE reason IS NOT NULL
), written AS (
    UPDATE message m SET state = o.state, smtp_code = o.code, smtp_text = o.text, attempt_id = $2,
        tries = m.tries + o.tried, changed_at = clock_timestamp()
    FROM outcome o
    WHERE m.occurrence_id = $3 AND m.seq = ANY($7 || ARRAY(SELECT seq FROM batch WHERE reason IS NOT NULL))
      AND m.seq = o.seq AND m.state IN ('queued', 'requeued', 'sending')
    RETURNING m.state
), counted AS (
    SELECT count(*)::int AS written, count(*) FILTER (WHERE state = 'sent')::int AS sent,
           count(*) FILTER (WHERE state = 'failed')::int AS failed,
           count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed,
           count(*) FILTER (WHERE state = 'unknown')::int AS unknown
    FROM written
), ahead AS (
    SELECT CASE WHEN $6 = 0 THEN $4 - 1 WHEN count(*) < $6 THEN $5 ELSE max(seq) END AS through FROM batch
), moved AS (
    UPDATE chunk c SET sending_through = greatest(c.sending_through, a.through), steps = c.steps + 1,
        pending = c.pending - (n.sent + n.failed + n.suppressed + n.unknown),
        sent = c.sent + n.sent, failed = c.failed + n.failed, suppressed = c.suppressed + n.suppressed,
        unknown = c.unknown + n.unknown
    FROM counted n, ahead a, send_task t, quota_day q
    WHERE c.id = $1 AND c.attempt_id = $2 AND c.state = 'reserved' AND t.id = c.task_id AND q.id = c.quota_day_id
    RETURNING a.through, n.written, n.sent, n.failed, n.suppressed, n.unknown,
              CASE WHEN t.cancelled_at IS NOT NULL THEN 'the task is cancelled'
                   WHEN t.paused_at IS NOT NULL THEN 'the task is paused'
                   WHEN clock_timestamp() >= q.ends_at THEN 'the quota day ended' END AS stop_reason
)
SELECT v.through, v.written, v.sent, v.failed, v.suppressed, v.unknown, v.stop_reason,
       b.seq, b.address, b."values", b.tries, b.reason
FROM moved v LEFT JOIN batch b ON true
ORDER BY b.seq;
