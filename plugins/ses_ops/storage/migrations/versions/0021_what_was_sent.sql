-- name: group_messages
-- What the attempts of earlier versions did, by the domain of the recipient: one pass over the ledger.
CREATE TEMPORARY TABLE sent_before ON COMMIT DROP AS
SELECT attempt_id, CASE WHEN strpos(address_key, '@') > 0 THEN split_part(address_key, '@', -1) ELSE '' END AS domain, state,
       CASE WHEN state = 'failed' THEN smtp_code END AS code, CASE WHEN state = 'failed' THEN smtp_text END AS text,
       count(*)::int AS count
FROM message WHERE attempt_id IS NOT NULL AND state IN ('sent', 'failed', 'suppressed', 'unknown')
GROUP BY 1, 2, 3, 4, 5;
CREATE TEMPORARY TABLE provider_of (domain text PRIMARY KEY, name text NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE class_of (code int, text text, class text NOT NULL) ON COMMIT DROP;

-- name: domains
SELECT DISTINCT s.domain, p.mailbox_provider FROM sent_before s LEFT JOIN mailbox_provider p ON p.domain = s.domain;

-- name: replies
SELECT DISTINCT code, text FROM sent_before WHERE state = 'failed';

-- name: note_providers
INSERT INTO provider_of SELECT domain, name FROM json_to_recordset(%s::json) AS r (domain text, name text);

-- name: note_classes
INSERT INTO class_of SELECT code, text, class FROM json_to_recordset(%s::json) AS r (code int, text text, class text);

-- name: count
INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, ended_at, is_test, accepted, invalid,
                        spam_refused, other_refused, infrastructure, suppressed, unknown)
SELECT a.id, p.name, c.task_id, coalesce(q.sender_domain, c.sender_domain),
       coalesce(q.starts_at, date_trunc('day', a.started_at, 'UTC')), a.ended_at, t.type = 'test',
       coalesce(sum(s.count) FILTER (WHERE s.state = 'sent'), 0), coalesce(sum(s.count) FILTER (WHERE k.class = 'invalid'), 0),
       coalesce(sum(s.count) FILTER (WHERE k.class = 'spam_refused'), 0),
       coalesce(sum(s.count) FILTER (WHERE k.class = 'other_refused'), 0),
       coalesce(sum(s.count) FILTER (WHERE k.class = 'infrastructure'), 0),
       coalesce(sum(s.count) FILTER (WHERE s.state = 'suppressed'), 0),
       coalesce(sum(s.count) FILTER (WHERE s.state = 'unknown'), 0)
FROM sent_before s JOIN attempt a ON a.id = s.attempt_id AND a.ended_at IS NOT NULL
JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id JOIN provider_of p ON p.domain = s.domain
LEFT JOIN quota_day q ON q.id = a.quota_day_id
LEFT JOIN class_of k ON s.state = 'failed' AND k.code IS NOT DISTINCT FROM s.code AND k.text IS NOT DISTINCT FROM s.text
GROUP BY 1, 2, 3, 4, 5, 6, 7;
