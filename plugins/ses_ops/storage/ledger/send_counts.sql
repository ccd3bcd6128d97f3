-- name: outcomes
-- One pass over the chunk of the attempt, whose rows the attempt itself has just written. A message that a later attempt has
-- taken up counts for that one.
WITH mine AS (
    SELECT a.id, c.occurrence_id, c.first_seq, c.last_seq FROM attempt a JOIN chunk c ON c.id = a.chunk_id
    WHERE a.id = %(attempt_id)s
), grouped AS MATERIALIZED (
    SELECT CASE WHEN strpos(m.address_key, '@') > 0 THEN split_part(m.address_key, '@', -1) ELSE '' END AS domain, m.state,
           CASE WHEN m.state = 'failed' THEN m.smtp_code END AS code,
           CASE WHEN m.state = 'failed' THEN m.smtp_text END AS text, count(*)::int AS count
    FROM mine JOIN message m ON m.occurrence_id = mine.occurrence_id AND m.seq BETWEEN mine.first_seq AND mine.last_seq
    WHERE m.attempt_id = mine.id AND m.state IN ('sent', 'failed', 'suppressed', 'unknown')
    GROUP BY 1, 2, 3, 4
)
SELECT g.domain, g.state, g.code, g.text, g.count, p.mailbox_provider AS known_provider
FROM grouped g LEFT JOIN mailbox_provider p ON p.domain = g.domain;

-- name: hold
-- A judge of the domain takes the other side (storage/reputation/figures.sql): what is counted from now on has a later moment
-- than its figures.
SELECT pg_advisory_xact_lock_shared(7370, hashtext(coalesce(q.sender_domain, c.sender_domain)))
FROM attempt a JOIN chunk c ON c.id = a.chunk_id LEFT JOIN quota_day q ON q.id = a.quota_day_id
WHERE a.id = %(attempt_id)s;

-- name: write
INSERT INTO send_count AS s (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, is_test, opens_tracked,
                             clicks_tracked, accepted, invalid, spam_refused, other_refused, infrastructure, suppressed,
                             unknown)
SELECT a.id, r.mailbox_provider, c.task_id, coalesce(q.sender_domain, c.sender_domain),
       coalesce(q.starts_at, date_trunc('day', a.started_at, 'UTC')), t.type = 'test', a.opens_tracked, a.clicks_tracked,
       r.accepted, r.invalid, r.spam_refused, r.other_refused, r.infrastructure, r.suppressed, r.unknown
FROM attempt a JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id
LEFT JOIN quota_day q ON q.id = a.quota_day_id
CROSS JOIN json_to_recordset(%(counts)s::json) AS r (
    mailbox_provider text, accepted int, invalid int, spam_refused int, other_refused int, infrastructure int,
    suppressed int, unknown int)
WHERE a.id = %(attempt_id)s
ON CONFLICT (attempt_id, mailbox_provider) DO UPDATE SET accepted = excluded.accepted, invalid = excluded.invalid,
    spam_refused = excluded.spam_refused, other_refused = excluded.other_refused,
    infrastructure = excluded.infrastructure, suppressed = excluded.suppressed, unknown = excluded.unknown;

-- name: in_doubt
SELECT DISTINCT m.attempt_id FROM chunk c
JOIN message m ON m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
WHERE c.id = %(chunk_id)s AND m.state = 'unknown' AND m.attempt_id IS NOT NULL ORDER BY 1;

-- name: resolve_doubt
-- What a person counts as sent was accepted on the day of its attempt; what is sent again counts when it is.
UPDATE send_count s SET
    assumed = s.assumed + greatest(coalesce(r.accepted, 0) - s.accepted, 0),
    assumed_at = CASE WHEN coalesce(r.accepted, 0) > s.accepted THEN clock_timestamp() ELSE s.assumed_at END,
    accepted = coalesce(r.accepted, 0), unknown = coalesce(r.unknown, 0)
FROM send_count w LEFT JOIN json_to_recordset(%(counts)s::json) AS r (mailbox_provider text, accepted int, unknown int)
    ON r.mailbox_provider = w.mailbox_provider
WHERE w.attempt_id = %(attempt_id)s AND s.attempt_id = w.attempt_id AND s.mailbox_provider = w.mailbox_provider;
