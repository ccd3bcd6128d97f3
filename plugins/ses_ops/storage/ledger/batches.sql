-- name: prepare_step
-- The hot path, planned once a connection: one round trip writes the outcomes of the last batch, looks at the next
-- one and at the suppression list, counts, and moves the mark over it. Nothing is written and no row comes back when
-- another attempt has taken the chunk over. Each message is looked up by key and updated by its place: the planner,
-- which does not know a freshly frozen audience, can choose nothing else. An address may have two entries, one for all
-- mail and one for the bulk mail of this sender domain: its message is in the batch twice then, written and counted once.
-- $1 chunk, $2 attempt, $3 occurrence, $4 first seq not marked, $5 last seq of the chunk, $6 messages to mark,
-- $7 seqs, $8 states, $9 codes, $10 texts, $11 tried, $12 steps so far: a statement that was sent over a lost connection
-- and comes through late finds another number, $13 the edition of the task that this attempt sends (NULL: any)
PREPARE ledger_step (bigint, bigint, bigint, int, int, int, int[], message_state[], smallint[], text[], smallint[],
                     bigint, int) AS
WITH mine AS (
    SELECT c.id, c.sender_domain, s.reason AS stop_reason, CASE WHEN s.reason IS NULL THEN $6 ELSE 0 END AS room
    FROM chunk c JOIN send_task t ON t.id = c.task_id JOIN quota_day q ON q.id = c.quota_day_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN t.cancelled_at IS NOT NULL THEN 'task_is_cancelled'
                    WHEN t.paused_at IS NOT NULL THEN 'task_is_paused'
                    WHEN t.sender_domain <> c.sender_domain THEN 'sender_domain_changed'
                    WHEN t.edition <> $13 THEN 'task_was_changed'
                    WHEN clock_timestamp() >= q.ends_at THEN 'quota_day_ended' END
    ) AS s (reason)
    WHERE c.id = $1 AND c.attempt_id = $2 AND c.state = 'reserved' AND c.steps = $12
    FOR UPDATE OF c
), batch AS (
    SELECT m.seq, m.address, m."values", m.tries,
           CASE WHEN starts_with(m.address_key, 'erased:') THEN 'erased' ELSE s.reason END AS reason
    FROM message m
    LEFT JOIN suppression s ON s.address_key = m.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
        AND (s.scope = '' OR s.scope = (SELECT sender_domain FROM mine))
    WHERE m.occurrence_id = $3 AND m.seq BETWEEN $4 AND $5 AND m.state = 'queued'
    ORDER BY m.seq LIMIT coalesce((SELECT room FROM mine), 0)
), outcome (seq, state, code, text, tried) AS (
    SELECT * FROM unnest($7, $8, $9, $10, $11)
    UNION ALL
    SELECT seq, 'suppressed', NULL, reason, 0::smallint FROM batch WHERE reason IS NOT NULL
), place AS (
    SELECT o.*, p.place FROM mine CROSS JOIN outcome o CROSS JOIN LATERAL (
        SELECT m.ctid AS place FROM message m
        WHERE m.occurrence_id = $3 AND m.seq = o.seq AND m.state IN ('queued', 'requeued', 'sending') OFFSET 0
    ) p
), written AS (
    UPDATE message m SET state = p.state, smtp_code = p.code, smtp_text = p.text, attempt_id = $2,
        tries = m.tries + p.tried, changed_at = clock_timestamp()
    FROM place p WHERE m.ctid = p.place
    RETURNING m.state
), counted AS (
    SELECT count(*)::int AS written, count(*) FILTER (WHERE state = 'sent')::int AS sent,
           count(*) FILTER (WHERE state = 'failed')::int AS failed,
           count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed,
           count(*) FILTER (WHERE state = 'unknown')::int AS unknown
    FROM written
), ahead AS (
    SELECT CASE WHEN mine.room = 0 THEN $4 - 1 WHEN b.count < mine.room THEN $5 ELSE b.last END AS through
    FROM mine CROSS JOIN (SELECT count(*) AS count, max(seq) AS last FROM batch) b
), moved AS (
    UPDATE chunk c SET sending_through = greatest(c.sending_through, a.through), steps = c.steps + 1,
        pending = c.pending - (n.sent + n.failed + n.suppressed + n.unknown),
        sent = c.sent + n.sent, failed = c.failed + n.failed, suppressed = c.suppressed + n.suppressed,
        unknown = c.unknown + n.unknown
    FROM counted n, ahead a WHERE c.id = $1
    RETURNING a.through, n.written, n.sent, n.failed, n.suppressed, n.unknown
)
SELECT v.through, v.written, v.sent, v.failed, v.suppressed, v.unknown, mine.stop_reason,
       (SELECT json_agg(json_build_array(b.seq, b.address, b."values", b.tries) ORDER BY b.seq)::text
        FROM batch b WHERE b.reason IS NULL)
FROM moved v CROSS JOIN mine;

-- name: prepare_again
-- The same for messages that are tried again. They lie behind the mark of their chunk, so each carries a mark of its
-- own. Those that were suppressed meanwhile end here.
-- $1 chunk, $2 attempt, $3 occurrence, $4 seqs, $5 steps so far, $6 the edition
PREPARE ledger_again (bigint, bigint, bigint, int[], bigint, int) AS
WITH mine AS (
    SELECT c.id, c.sender_domain FROM chunk c JOIN send_task t ON t.id = c.task_id JOIN quota_day q ON q.id = c.quota_day_id
    WHERE c.id = $1 AND c.attempt_id = $2 AND c.state = 'reserved' AND c.steps = $5
      AND t.cancelled_at IS NULL AND t.paused_at IS NULL AND t.sender_domain = c.sender_domain
      AND ($6 IS NULL OR t.edition = $6)
      AND clock_timestamp() < q.ends_at
    FOR UPDATE OF c
), touched AS (
    UPDATE message m SET
        state = CASE WHEN s.reason IS NULL AND NOT starts_with(w.address_key, 'erased:') THEN 'sending'
                     ELSE 'suppressed' END::message_state,
        smtp_text = CASE WHEN starts_with(w.address_key, 'erased:') THEN 'erased' ELSE coalesce(s.reason, m.smtp_text) END,
        attempt_id = $2, changed_at = clock_timestamp()
    FROM mine CROSS JOIN message w
    LEFT JOIN suppression s ON s.address_key = w.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
        AND (s.scope = '' OR s.scope = mine.sender_domain)
    WHERE w.occurrence_id = $3 AND w.seq = ANY($4) AND w.state = 'requeued' AND m.ctid = w.ctid
    RETURNING m.seq, m.state
), moved AS (
    UPDATE chunk c SET steps = c.steps + 1, pending = c.pending - n.suppressed, suppressed = c.suppressed + n.suppressed
    FROM (SELECT count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed FROM touched) n, mine
    WHERE c.id = mine.id
    RETURNING n.suppressed
)
SELECT v.suppressed, ARRAY(SELECT seq FROM touched WHERE state = 'sending') FROM moved v;

-- name: step
EXECUTE ledger_step (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s);

-- name: again
EXECUTE ledger_again (%s, %s, %s, %s, %s, %s);

-- name: requeued
SELECT m.seq, m.address, m."values", m.tries, m.retried_code IS NOT NULL,
       coalesce(m.first_deferred_at < now() - make_interval(secs => %(give_up_after)s), false)
FROM message m
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq BETWEEN %(first_seq)s AND %(last_seq)s AND m.state = 'requeued'
ORDER BY m.seq;

-- name: note_deferred
-- Not in the step, where it would cost the messages that are accepted; what was noted stays.
UPDATE message SET first_deferred_at = now()
WHERE occurrence_id = %(occurrence_id)s AND seq = ANY(%(seqs)s) AND first_deferred_at IS NULL;

-- name: suppress
-- What is there for ever stays; an entry that ends becomes one that does not. In the order of all who write several.
INSERT INTO suppression AS s (address_key, address, reason, note)
SELECT m.address_key, m.address, 'hard_bounce', b.words || ' (send task ' || t.name || ')'
FROM unnest(%(seqs)s::int[], %(words)s::text[]) AS b (seq, words)
JOIN message m ON m.occurrence_id = %(occurrence_id)s AND m.seq = b.seq
JOIN send_task t ON t.id = %(task_id)s
ORDER BY m.address_key
ON CONFLICT (address_key, scope) DO UPDATE SET reason = excluded.reason, note = excluded.note, expires_at = NULL,
    added_by = excluded.added_by, created_at = now()
WHERE s.expires_at IS NOT NULL;

-- name: heartbeat
-- Also counts the attempts alive now that send bulk mail, this one included: rates are divided by it. Single messages are
-- begun first, so their rate is subtracted before. And the seconds that are left of the chunk's quota day.
WITH beat AS (UPDATE attempt SET heartbeat_at = now() WHERE id = %(id)s)
SELECT (SELECT count(*)::int + 1 FROM attempt
        WHERE ended_at IS NULL AND heartbeat_at > now() - interval '15 seconds' AND id <> %(id)s
          AND run_id NOT LIKE 'api:%%'),
       (SELECT extract(epoch FROM q.ends_at - clock_timestamp())::float8
        FROM chunk c JOIN quota_day q ON q.id = c.quota_day_id WHERE c.id = %(chunk_id)s),
       coalesce(sum(rate), 0), coalesce(bool_or(turned_away), false)
FROM single_message_process WHERE ended_at IS NULL AND beat_at > now() - interval '15 seconds';

-- name: mark_of_chunk
SELECT sending_through FROM chunk WHERE id = %(id)s;

-- name: marked_between
-- What a step marked whose answer was lost with the connection.
SELECT m.seq, m.address, m."values", m.tries FROM message m
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq BETWEEN %(first_seq)s AND %(last_seq)s AND m.state = 'queued'
ORDER BY m.seq;

-- name: sending_of
SELECT m.seq FROM message m
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = ANY(%(seqs)s) AND m.state = 'sending';
