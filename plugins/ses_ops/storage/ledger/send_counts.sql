-- name: outcomes
-- One pass over the chunk of the attempt, whose rows the attempt itself has just written. A message that a later attempt has
-- taken up counts for that one.
WITH mine AS (
    SELECT a.id, c.occurrence_id, c.first_seq, c.last_seq FROM attempt a JOIN chunk c ON c.id = a.chunk_id
    WHERE a.id = %(attempt_id)s
), grouped AS MATERIALIZED (
    SELECT CASE WHEN strpos(m.address_key, '@') > 0 THEN split_part(m.address_key, '@', -1) ELSE '' END COLLATE "C" AS domain, m.state,
           CASE WHEN m.state = 'failed' THEN m.smtp_code END AS code,
           CASE WHEN m.state = 'failed' THEN m.smtp_text END COLLATE "C" AS text, count(*)::int AS count
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
-- A provider that has another name by now, since its MX was looked up, loses its former row.
WITH gone AS (
    DELETE FROM send_count WHERE attempt_id = %(attempt_id)s AND mailbox_provider <> ALL (
        SELECT r.mailbox_provider FROM json_to_recordset(%(counts)s::json) AS r (mailbox_provider text))
)
INSERT INTO send_count AS s (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, is_test, opens_tracked,
                             clicks_tracked, accepted, invalid, spam_refused, other_refused, infrastructure, suppressed,
                             unknown)
SELECT a.id, r.mailbox_provider, c.task_id, coalesce(q.sender_domain, c.sender_domain),
       coalesce(q.starts_at, date_trunc('day', a.started_at, 'UTC')), NOT t.counted, a.opens_tracked, a.clicks_tracked,
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

-- name: assume_sent
-- What a person counts as sent was accepted on the day of its attempt.
UPDATE send_count SET accepted = accepted + unknown, assumed = assumed + unknown, assumed_at = clock_timestamp(), unknown = 0
WHERE attempt_id = ANY(%(attempt_ids)s) AND unknown > 0;

-- name: send_again
-- What is sent again counts when it is.
UPDATE send_count SET unknown = 0 WHERE attempt_id = ANY(%(attempt_ids)s) AND unknown > 0;

-- name: of_occurrence
-- What the messages of a start say that its attempts did, for those that have ended; a chunk may have been cut since.
SELECT m.attempt_id, m.state, CASE WHEN m.state = 'failed' THEN m.smtp_code END AS code,
       CASE WHEN m.state = 'failed' THEN m.smtp_text END AS text, count(*)::int AS count
FROM message m JOIN attempt a ON a.id = m.attempt_id AND a.ended_at IS NOT NULL
WHERE m.occurrence_id = %(occurrence_id)s AND m.state IN ('sent', 'failed', 'suppressed', 'unknown')
GROUP BY 1, 2, 3, 4;

-- name: stored_of_occurrence
-- The counts of the attempts of a start that have ended; `retried`: a person had failed messages tried again, which stay
-- counted where they had failed.
SELECT a.id AS attempt_id, coalesce(sum(s.accepted), 0)::int AS accepted, coalesce(sum(s.invalid), 0)::int AS invalid,
       coalesce(sum(s.spam_refused), 0)::int AS spam_refused, coalesce(sum(s.other_refused), 0)::int AS other_refused,
       coalesce(sum(s.infrastructure), 0)::int AS infrastructure, coalesce(sum(s.suppressed), 0)::int AS suppressed,
       coalesce(sum(s.unknown), 0)::int AS unknown,
       EXISTS (SELECT FROM message m WHERE m.occurrence_id = %(occurrence_id)s AND m.retried_code IS NOT NULL) AS retried
FROM chunk c JOIN attempt a ON a.chunk_id = c.id AND a.ended_at IS NOT NULL LEFT JOIN send_count s ON s.attempt_id = a.id
WHERE c.occurrence_id = %(occurrence_id)s
GROUP BY a.id ORDER BY a.id;
