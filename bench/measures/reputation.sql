-- name: domains
-- A task a domain with an attempt a day; all domains are measured.
WITH d AS (
    INSERT INTO sender_domain (domain, bounce_domain)
    SELECT 'mail' || n || '.example', 'b.mail' || n || '.example' FROM generate_series(1, %(count)s) n RETURNING domain
), heard AS (
    INSERT INTO event_feed (source, events) VALUES ('bounce_mail', 1)
), t AS (
    INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone)
    SELECT 'task-' || d.domain, 'recurring', 't', 'a@' || d.domain, d.domain, g.id, 'UTC'
    FROM d CROSS JOIN recipient_group g RETURNING id, sender_domain
), o AS (
    INSERT INTO occurrence (task_id, key, run_id) SELECT id, 'at', 'at' FROM t RETURNING id, task_id
), c AS (
    INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, sending_through)
    SELECT o.id, o.task_id, t.sender_domain, 1, 1, 'settled', 0, 1, 1 FROM o JOIN t ON t.id = o.task_id RETURNING id
)
INSERT INTO attempt (chunk_id, run_id, host, pid, ended_at)
SELECT c.id, 'at', 'here', d, now() FROM c CROSS JOIN generate_series(0, 59) d;

-- name: days
INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, accepted, invalid, spam_refused)
SELECT a.id, p, c.task_id, c.sender_domain, date_trunc('day', now(), 'UTC') - make_interval(days => 60 - a.pid), 40, 1, 0
FROM attempt a JOIN chunk c ON c.id = a.chunk_id
CROSS JOIN unnest(ARRAY['google', 'microsoft', 'yahoo', 'other']) p;

-- name: feedback
INSERT INTO feedback_count (task_id, sender_domain, sent_day, mailbox_provider, delivered, soft_bounced, hard_bounced)
SELECT task_id, sender_domain, sent_day, mailbox_provider, 38, 1, 1 FROM send_count;

-- name: analyze
VACUUM (ANALYZE) send_count, feedback_count, sender_domain, send_task;

-- name: good_day
-- Today's mail of one domain in ten.
INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, accepted)
SELECT DISTINCT ON (c.sender_domain) a.id, 'naver', c.task_id, c.sender_domain, date_trunc('day', now(), 'UTC'), 400
FROM attempt a JOIN chunk c ON c.id = a.chunk_id
WHERE right(c.sender_domain, 9) = '0.example' ORDER BY c.sender_domain, a.id;

-- name: attempt
WITH o AS (
    INSERT INTO occurrence (task_id, key, run_id, frozen_at) SELECT id, 'at', 'at', now() FROM send_task RETURNING *
), c AS (
    INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, sending_through)
    SELECT o.id, o.task_id, t.sender_domain, 1, %(count)s, 'settled', 0, %(count)s, %(count)s
    FROM o JOIN send_task t ON t.id = o.task_id RETURNING id
)
INSERT INTO attempt (chunk_id, run_id, host, pid, sent_before, failed_before) SELECT id, 'at', 'here', 1, 0, 0 FROM c
RETURNING id;

-- name: messages
INSERT INTO message (occurrence_id, seq, state, tries, attempt_id, changed_at, address, address_key, "values", smtp_code,
                     smtp_text)
SELECT o.id, n, CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'sent' END::message_state, 1, a.id, now(), k.key, k.key,
       jsonb_build_object('name', 'Person ' || n, 'more', repeat('x', 200)), CASE WHEN n %% 20 = 0 THEN 550 ELSE 250 END,
       CASE WHEN n %% 20 = 0 THEN '5.1.1 <' || k.key || '> no such user ' || n ELSE '2.0.0 Ok: queued as ' || n END
FROM occurrence o, attempt a, generate_series(1, %(count)s) n
CROSS JOIN LATERAL (
    SELECT 'person' || n || CASE WHEN n %% 2 = 0 THEN '@gmail.com' ELSE '@shop' || n %% 600 || '.example' END AS key
) k;
