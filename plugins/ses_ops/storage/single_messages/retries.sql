-- name: due
-- Chunks of single messages that wait for another try, the longest due first. Not locked: the quota day is locked first.
SELECT c.id, c.sender_domain, o.key ~ ' opens' AS opens, o.key ~ ' clicks' AS clicks
FROM chunk c JOIN send_task t ON t.id = c.task_id JOIN occurrence o ON o.id = c.occurrence_id
WHERE c.state = 'cached' AND c.due_at <= now() AND t.type = 'api' AND t.deleted_at IS NULL
  AND c.id <> ALL(%(besides)s::bigint[])
ORDER BY c.due_at LIMIT %(limit)s;

-- name: lock_due
-- Whoever else is taking it now has it.
SELECT c.id, c.occurrence_id, c.first_seq, c.last_seq, c.pending, c.sent, c.failed, c.suppressed, c.unknown,
       c.sending_through, c.cached_at
FROM chunk c WHERE c.id = %(id)s AND c.state = 'cached' AND c.due_at <= now() FOR UPDATE SKIP LOCKED;

-- name: content_of
-- Of each row the message that it is of, and what that says. Messages of an occurrence stand beside each other.
SELECT m.seq, m.seq - s.first_seq, s.id::text, c.content
FROM unnest(%(seqs)s::int[]) AS m (seq)
CROSS JOIN LATERAL (
    SELECT id, first_seq, recipient_count, accepted_at FROM single_message
    WHERE occurrence_id = %(occurrence_id)s AND first_seq <= m.seq ORDER BY first_seq DESC LIMIT 1
) s
LEFT JOIN single_message_content c ON c.message_id = s.id AND c.accepted_at = s.accepted_at
WHERE m.seq < s.first_seq + s.recipient_count;

-- name: prepare_again
-- As `ledger_again` of storage/ledger/batches.sql, but for what the suppression list says: who unsubscribed from a sender
-- domain's mail gets its single messages all the same, unless they are marketing.
-- $1 chunk, $2 attempt, $3 occurrence, $4 seqs, $5 of each whether it is marketing, $6 steps so far
PREPARE single_again (bigint, bigint, bigint, int[], bool[], bigint) AS
WITH mine AS (
    SELECT c.id, c.sender_domain FROM chunk c JOIN quota_day q ON q.id = c.quota_day_id
    WHERE c.id = $1 AND c.attempt_id = $2 AND c.state = 'reserved' AND c.steps = $6 AND clock_timestamp() < q.ends_at
    FOR UPDATE OF c
), touched AS (
    UPDATE message m SET
        state = CASE WHEN w.reason IS NULL THEN 'sending' ELSE 'suppressed' END::message_state,
        smtp_text = coalesce(w.reason, m.smtp_text), attempt_id = $2, changed_at = clock_timestamp()
    FROM (
        SELECT r.ctid AS place, CASE WHEN starts_with(r.address_key, 'erased:') THEN 'erased' ELSE (
            SELECT s.reason FROM suppression s
            WHERE s.address_key = r.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
              AND (s.scope = '' OR (a.marketing AND s.scope = mine.sender_domain))
            ORDER BY s.scope LIMIT 1) END AS reason
        FROM mine CROSS JOIN unnest($4, $5) AS a (seq, marketing)
        JOIN message r ON r.occurrence_id = $3 AND r.seq = a.seq AND r.state = 'requeued'
    ) w
    WHERE m.ctid = w.place
    RETURNING m.seq, m.state
), moved AS (
    UPDATE chunk c SET steps = c.steps + 1, pending = c.pending - n.suppressed, suppressed = c.suppressed + n.suppressed
    FROM (SELECT count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed FROM touched) n, mine
    WHERE c.id = mine.id
    RETURNING n.suppressed
)
SELECT v.suppressed, ARRAY(SELECT seq FROM touched WHERE state = 'sending') FROM moved v;

-- name: again
EXECUTE single_again (%s, %s, %s, %s, %s, %s);
