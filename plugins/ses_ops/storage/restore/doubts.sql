-- name: chunks
-- Chunks of which something may have left: all that a process holds, and all that has mail to be sent. What was cancelled
-- or deleted is never sent. `is_held`: a living process has it (storage/ledger/chunk_locks.sql).
SELECT c.id, c.occurrence_id, c.first_seq, c.last_seq, c.pending, c.state::text AS state, c.attempt_id, c.run_id,
       c.quota_day_id, c.sender_domain, t.name AS task, t.type AS kind,
       EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = %(lock)s AND l.objid = c.id
               AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_held
FROM chunk c JOIN send_task t ON t.id = c.task_id
WHERE (c.state = 'reserved' OR (c.state = 'cached' AND c.pending > 0)) AND t.cancelled_at IS NULL AND t.deleted_at IS NULL
ORDER BY c.id;

-- name: begin_attempt
-- What became unknown by a restore is of an attempt of its own, so that it counts for a day when a person takes it for sent.
INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, heartbeat_at, ended_at, ending, edition, opens_tracked,
                     clicks_tracked, sent_before, failed_before, sent, failed, quota_day_id)
SELECT c.id, %(run_id)s, %(host)s, %(pid)s, %(at)s, %(at)s, now(), 'restored', a.edition, coalesce(a.opens_tracked, false),
       coalesce(a.clicks_tracked, false), c.sent, c.failed, 0, 0, CASE WHEN c.state = 'reserved' THEN c.quota_day_id END
FROM chunk c LEFT JOIN LATERAL (SELECT * FROM attempt WHERE chunk_id = c.id ORDER BY id DESC LIMIT 1) a ON true
WHERE c.id = %(chunk_id)s
RETURNING id;

-- name: doubt
UPDATE message SET state = 'unknown', attempt_id = %(attempt_id)s, changed_at = now(), smtp_code = NULL, smtp_text = %(reason)s
WHERE occurrence_id = %(occurrence_id)s AND seq BETWEEN %(first_seq)s AND %(last_seq)s
  AND state IN ('queued', 'requeued', 'sending');

-- name: count
UPDATE chunk SET pending = pending - %(count)s, unknown = unknown + %(count)s WHERE id = %(id)s;

-- name: settle
-- A chunk that no process held: no place of a day was reserved for it.
UPDATE chunk SET state = 'settled', due_at = NULL, reason = NULL, reason_explained = NULL, setbacks = 0, attempt_id = NULL
WHERE id = %(id)s AND pending = 0;

-- name: charge_day
UPDATE quota_day SET used = used + %(count)s WHERE id = %(id)s;

-- name: scheduled
-- Single messages of a later time that may have left. Who claims one puts it off for a moment: its own time counts.
SELECT s.id::text AS id, s.sender_domain, s.address_keys, c.content
FROM single_message s
LEFT JOIN single_message_content c ON c.message_id = s.id AND c.accepted_at = s.accepted_at
WHERE s.due_at IS NOT NULL AND s.occurrence_id IS NULL AND least(s.due_at, s.send_at) <= %(until)s
ORDER BY s.sender_domain, s.id FOR UPDATE OF s;

-- name: count_scheduled
SELECT sender_domain AS domain,
       coalesce(sum(recipient_count) FILTER (WHERE least(due_at, send_at) <= %(until)s), 0)::int AS due,
       coalesce(sum(recipient_count) FILTER (WHERE least(due_at, send_at) > %(until)s), 0)::int AS later
FROM single_message WHERE due_at IS NOT NULL AND occurrence_id IS NULL GROUP BY sender_domain ORDER BY sender_domain;

-- name: make_chunk
-- For messages without rows: an occurrence of their sender domain's task that is over, and its only chunk.
WITH made AS (
    INSERT INTO occurrence (task_id, key, run_id, frozen_at, finished_at, announced_by, request_count)
    VALUES (%(task_id)s, %(run_id)s, %(run_id)s, now(), now(), '', %(count)s) RETURNING id
)
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, unknown, sending_through,
                   run_id)
SELECT id, %(task_id)s, %(domain)s, 1, %(count)s, 'settled', 0, %(count)s, %(count)s, %(run_id)s FROM made
RETURNING id, occurrence_id;

-- name: insert_messages
INSERT INTO message (occurrence_id, seq, state, address, address_key, "values", attempt_id, changed_at, smtp_text)
SELECT %(occurrence_id)s, r.seq, 'unknown', r.address, r.address_key, '{}', %(attempt_id)s, now(), %(reason)s
FROM unnest(%(addresses)s::text[], %(keys)s::text[]) WITH ORDINALITY AS r (address, address_key, seq);

-- name: give_rows
UPDATE single_message s SET occurrence_id = %(occurrence_id)s, first_seq = r.first_seq, due_at = NULL
FROM unnest(%(ids)s::uuid[], %(first_seqs)s::int[]) AS r (id, first_seq) WHERE s.id = r.id;

-- name: assume_taken
-- As `assume_sent` of storage/ledger/chunks.sql, of those that the mail server's log names.
WITH settled AS (
    UPDATE message m SET state = 'sent', changed_at = now(), smtp_text = 'assumed sent by a person'
    FROM chunk c
    WHERE c.id = %(chunk_id)s AND m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
      AND m.state = 'unknown' AND (m.address_key = ANY(%(keys)s::text[]) OR m.seq = ANY(%(seqs)s::int[]))
    RETURNING m.attempt_id
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

-- name: occurrence_of
SELECT occurrence_id FROM chunk WHERE id = %(id)s;

-- name: begin_assuming
-- What is accepted more after a recount, a person assumes.
UPDATE send_count SET assumed = assumed - accepted WHERE attempt_id = ANY(%(attempt_ids)s);

-- name: end_assuming
UPDATE send_count SET assumed = greatest(0, assumed + accepted), assumed_at = clock_timestamp()
WHERE attempt_id = ANY(%(attempt_ids)s);
