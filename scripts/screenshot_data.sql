-- A month that the pictures look back on. Only for the stack of scripts/screenshots.py, which is thrown away.

-- What the warm-up of two domains allowed on each day, and what was sent.
INSERT INTO sender_domain (domain) VALUES (%(shop)s), (%(club)s) ON CONFLICT DO NOTHING;
INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment, used)
SELECT domain, day, day + interval '1 day', number, allotment, allotment * share / 100
FROM (VALUES (%(shop)s, 1, 500, 100), (%(shop)s, 2, 1000, 92), (%(shop)s, 3, 2000, 100), (%(shop)s, 4, 5000, 71),
             (%(shop)s, 5, 10000, 100), (%(shop)s, 6, 20000, 84), (%(shop)s, 7, 40000, 38), (%(shop)s, 8, 60000, 55),
             (%(shop)s, 9, 80000, 100), (%(shop)s, 10, 100000, 62), (%(shop)s, 11, 150000, 48),
             (%(club)s, 1, 500, 100), (%(club)s, 2, 1000, 100)) AS d (domain, number, allotment, share)
CROSS JOIN LATERAL (
    SELECT date_trunc('day', now(), 'UTC')
        - (CASE domain WHEN %(shop)s THEN 12 ELSE 3 END - number) * interval '1 day' AS day
) x
ON CONFLICT DO NOTHING;

-- One finished mailing: most were sent, some refused or suppressed, two are in doubt.
INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count, finished_at)
SELECT id, 'manual__winter', 'manual__winter', now() - interval '1 day', %(count)s, now() - interval '23 hours'
FROM send_task WHERE name = %(name)s;
INSERT INTO message (occurrence_id, seq, state, tries, smtp_code, changed_at, address, address_key, "values", smtp_text)
SELECT o.id, n, s.state::message_state, 1, s.code, o.frozen_at + n * interval '0.02 s', r.address, r.address_key,
       r."values", s.text
FROM occurrence o JOIN send_task t ON t.id = o.task_id JOIN recipient r ON r.group_id = t.group_id
CROSS JOIN LATERAL (SELECT r.position - 1 AS n) p  -- the first row of a file is its header
CROSS JOIN LATERAL (
    SELECT CASE WHEN n %% 997 = 0 OR n %% 613 = 0 THEN 'failed' WHEN n %% 1009 = 0 THEN 'suppressed'
                WHEN n > %(count)s - 2 THEN 'unknown' ELSE 'sent' END AS state,
           CASE WHEN n %% 997 = 0 THEN 550 WHEN n %% 613 = 0 THEN 552 WHEN n %% 1009 = 0 THEN NULL ELSE 250 END AS code,
           CASE WHEN n %% 997 = 0 THEN '5.1.1 The mailbox does not exist' WHEN n %% 613 = 0 THEN '5.2.2 Mailbox full'
                WHEN n %% 1009 = 0 THEN 'unsubscribe' ELSE '2.0.0 Ok' END AS text
) s
WHERE t.name = %(name)s AND n BETWEEN 1 AND %(count)s;
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, failed, suppressed,
                   unknown, sending_through, run_id, reserved_at)
SELECT m.occurrence_id, o.task_id, %(shop)s, min(m.seq), max(m.seq), 'settled', 0,
       count(*) FILTER (WHERE m.state = 'sent'), count(*) FILTER (WHERE m.state = 'failed'),
       count(*) FILTER (WHERE m.state = 'suppressed'), count(*) FILTER (WHERE m.state = 'unknown'), max(m.seq),
       'manual__winter', min(m.changed_at)
FROM message m JOIN occurrence o ON o.id = m.occurrence_id JOIN send_task t ON t.id = o.task_id
WHERE t.name = %(name)s
GROUP BY m.occurrence_id, o.task_id, (m.seq - 1) / 1000 + CASE WHEN m.seq > 6000 THEN 1000 ELSE 0 END;
-- Its attempts, with a pause of four hours in the middle.
INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, heartbeat_at, ended_at, ending, sent, failed)
SELECT c.id, c.run_id, 'worker-1', 1, began, began + interval '20 s', began + interval '20 s', 'done', c.sent, c.failed
FROM chunk c JOIN send_task t ON t.id = c.task_id
CROSS JOIN LATERAL (
    SELECT c.reserved_at - interval '4 hours' * CASE WHEN c.first_seq > 6000 THEN 0 ELSE 1 END AS began
) b
WHERE t.name = %(name)s;

-- The mailings of earlier days, which are deleted: the overview still counts what they sent.
INSERT INTO send_task (name, type, template, sender, sender_domain, time_zone, deleted_at, cancelled_at)
SELECT 'earlier-' || n, 'triggered', 'newsletter', 'news@' || domain, domain, 'UTC', now(), now()
FROM unnest(ARRAY[%(shop)s, %(club)s]) WITH ORDINALITY AS d (domain, n);
INSERT INTO occurrence (task_id, key, run_id, frozen_at, finished_at)
SELECT id, 'manual__earlier', 'manual__earlier', now(), now() FROM send_task WHERE name LIKE 'earlier-%%';
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, sending_through)
SELECT o.id, t.id, t.sender_domain, 1, d.sent, 'settled', 0, d.sent, d.sent
FROM occurrence o JOIN send_task t ON t.id = o.task_id
JOIN (SELECT sender_domain, sum(used)::int AS sent FROM quota_day GROUP BY 1) d ON d.sender_domain = t.sender_domain
WHERE t.name LIKE 'earlier-%%';
INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, heartbeat_at, ended_at, ending, sent, failed)
SELECT c.id, 'earlier', 'worker-1', 1, q.starts_at + interval '9 hours', q.starts_at + interval '10 hours',
       q.starts_at + interval '10 hours', 'done', q.used, q.used / 90
FROM quota_day q JOIN send_task t ON t.sender_domain = q.sender_domain AND t.name LIKE 'earlier-%%'
JOIN chunk c ON c.task_id = t.id
WHERE q.ends_at < now();
