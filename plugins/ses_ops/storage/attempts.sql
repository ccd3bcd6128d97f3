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

-- name: advance
-- One commit a batch: counts the outcomes of the last one, and moves the mark over the next one before its first
-- byte leaves. No row comes back when another attempt has taken the chunk over. Tells also whether to stop.
UPDATE chunk c SET sending_through = greatest(c.sending_through, %(sending_through)s),
    pending = c.pending - (%(sent)s::int + %(failed)s::int + %(suppressed)s::int + %(unknown)s::int),
    sent = c.sent + %(sent)s, failed = c.failed + %(failed)s, suppressed = c.suppressed + %(suppressed)s,
    unknown = c.unknown + %(unknown)s, steps = c.steps + 1
FROM send_task t, quota_day q
WHERE c.id = %(chunk_id)s AND c.attempt_id = %(attempt_id)s AND c.state = 'reserved'
  AND t.id = c.task_id AND q.id = c.quota_day_id
RETURNING t.paused_at IS NOT NULL, t.cancelled_at IS NOT NULL, clock_timestamp() >= q.ends_at;

-- name: write_outcomes
UPDATE message m SET state = o.state, smtp_code = o.code, smtp_text = o.text, attempt_id = %(attempt_id)s,
    tries = m.tries + o.tried, changed_at = clock_timestamp()
FROM unnest(%(seqs)s::int[], %(states)s::message_state[], %(codes)s::smallint[], %(texts)s::text[], %(tried)s::smallint[])
     AS o(seq, state, code, text, tried)
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = o.seq AND m.state IN ('queued', 'requeued', 'sending');

-- name: next_batch
-- The next messages behind the mark, with what suppression says at this moment.
SELECT m.seq, m.address, m."values", m.tries, s.reason
FROM message m
LEFT JOIN suppression s ON s.address_key = m.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq > %(after)s AND m.seq <= %(last_seq)s
  AND m.state = 'queued'
ORDER BY m.seq LIMIT %(limit)s;

-- name: mark_sending
-- Requeued messages lie behind the mark, so they carry their own.
UPDATE message SET state = 'sending', attempt_id = %(attempt_id)s, changed_at = clock_timestamp()
WHERE occurrence_id = %(occurrence_id)s AND seq = ANY(%(seqs)s) AND state = 'requeued';

-- name: suppressed_now
-- Which messages of a batch must not leave any more.
SELECT m.seq, s.reason
FROM message m JOIN suppression s ON s.address_key = m.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = ANY(%(seqs)s);
