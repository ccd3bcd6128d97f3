-- What came back of a big ledger. Parameters: see big_feedback.py. Only for a database that is thrown away.

-- name: months
-- A partition a month, as far back as the messages go.
SELECT make_event_month((date_trunc('month', now()) - (n || ' months')::interval)::date) FROM generate_series(-1, 36) n;

-- name: events
-- Of each message a deferral and a delivery; every 200th came back after that, every 2000th was complained about, every
-- 3000th was unsubscribed by.
INSERT INTO message_event (event_key, occurred_at, occurrence_id, seq, kind, hard, source, source_id, reason, status, diagnostic)
SELECT md5(o.id || '.' || n || '.' || kind)::uuid, o.frozen_at + later * interval '1 minute', o.id, n, kind::event_kind,
       kind = 'bounced' AND n %% 400 = 10, 'amazon_ses', o.id || '.' || n || '.' || kind,
       CASE WHEN kind = 'bounced' THEN 'no-such-address' END, CASE WHEN kind = 'bounced' THEN '5.1.1' END,
       CASE WHEN kind IN ('bounced', 'deferred') THEN '550 5.1.1 The email account that you tried to reach does not exist.' ELSE '' END
FROM occurrence o
CROSS JOIN LATERAL generate_series(o.request_count::bigint * %(part)s / %(parts)s + 1,
                                   o.request_count::bigint * (%(part)s + 1) / %(parts)s) n
CROSS JOIN LATERAL (
    VALUES ('deferred', 1), ('delivered', 6),
           (CASE WHEN n %% 200 = 10 THEN 'bounced' END, 9), (CASE WHEN n %% 2000 = 7 THEN 'complained' END, 60),
           (CASE WHEN n %% 3000 = 8 THEN 'unsubscribed' END, 90)
) AS e (kind, later)
WHERE kind IS NOT NULL;

-- name: feedback
INSERT INTO message_feedback (occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider, deferred, delivered,
                              bounced, complained, unsubscribed_at, first_at, last_at)
SELECT o.id, n, o.task_id, t.sender_domain, date_trunc('day', o.frozen_at), 'provider-' || n %% 20, true, true,
       CASE WHEN n %% 400 = 10 THEN 2 WHEN n %% 200 = 10 THEN 1 ELSE 0 END, n %% 2000 = 7,
       CASE WHEN n %% 3000 = 8 THEN o.frozen_at END, o.frozen_at, o.frozen_at
FROM occurrence o JOIN send_task t ON t.id = o.task_id
CROSS JOIN LATERAL generate_series(o.request_count::bigint * %(part)s / %(parts)s + 1,
                                   o.request_count::bigint * (%(part)s + 1) / %(parts)s) n;

-- name: counts
INSERT INTO feedback_count (task_id, sender_domain, sent_day, mailbox_provider, delivered, soft_bounced, hard_bounced,
                            complained, unsubscribed)
SELECT task_id, sender_domain, sent_day, mailbox_provider, count(*) FILTER (WHERE outcome = 3),
       count(*) FILTER (WHERE outcome = 4), count(*) FILTER (WHERE outcome = 5), count(*) FILTER (WHERE complained),
       count(*) FILTER (WHERE unsubscribed)
FROM message_feedback GROUP BY 1, 2, 3, 4;

-- name: feeds
INSERT INTO event_feed (source, events) SELECT s, 1000 FROM unnest(ARRAY['amazon_ses', 'bounce_mail', 'one_click']) s;

-- name: suppressions
-- As many as bounced, and as many again held back or without a message.
INSERT INTO suppression (address_key, address, reason, source, scope, mailbox_provider, created_at)
SELECT a, a, 'hard_bounce', 'bounce_mail', '', 'provider-' || n %% 20, now() - n * interval '1 second'
FROM generate_series(1, %(count)s) n, LATERAL (SELECT 'bounced-' || n || '@customers.example' AS a) x;

-- name: held
INSERT INTO suppression_held (address_key, address, reason, source, mailbox_provider, occurrence_id, seq)
SELECT a, a, 'hard_bounce', 'bounce_mail', 'provider-' || n %% 20, 1, n
FROM generate_series(1, %(count)s) n, LATERAL (SELECT 'held-' || n || '@customers.example' AS a) x;

-- name: unmatched
INSERT INTO unmatched_event (event_key, source, source_id, received_at, why, raw)
SELECT md5('u' || n)::uuid, 'bounce_mail', n::text, now() - n * interval '1 second', 'the event names no message of ours',
       convert_to(repeat('From: somebody' || chr(10), 100), 'UTF8')
FROM generate_series(1, %(count)s) n;

-- name: sent
-- What each attempt did, by 20 providers.
INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, opens_tracked, clicks_tracked, accepted,
                        invalid, suppressed)
SELECT a.id, 'provider-' || p, c.task_id, c.sender_domain, date_trunc('day', a.started_at), true, true,
       c.sent / 20, c.failed / 20, c.suppressed / 20
FROM attempt a JOIN chunk c ON c.id = a.chunk_id CROSS JOIN generate_series(0, 19) p;

-- name: engaged
INSERT INTO engagement_count (task_id, sender_domain, sent_day, mailbox_provider, opened_people, opened_machines, opened_unknown,
                              clicked_people, opens, clicks)
SELECT task_id, sender_domain, sent_day, mailbox_provider, delivered / 4, delivered / 3, delivered / 10, delivered / 20,
       delivered, delivered / 15
FROM feedback_count;

-- name: hours
INSERT INTO engagement_hour (task_id, hour, opens_people, clicks_people, opens, clicks)
SELECT t.id, date_trunc('hour', now()) - n * interval '1 hour', 10, 2, 30, 3 FROM send_task t CROSS JOIN generate_series(0, 335) n;

-- name: links
WITH l AS (
    INSERT INTO tracked_link (task_id, target_hash, target)
    SELECT t.id, sha256(convert_to(n::text, 'UTF8')), 'https://shop.example/' || n FROM send_task t CROSS JOIN generate_series(1, 30) n
    RETURNING *
)
INSERT INTO link_count (task_id, link_id, clicks, people, machines) SELECT task_id, id, 9, 5, 2 FROM l;
