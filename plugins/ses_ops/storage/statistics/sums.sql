-- name: sums
-- Sums by the dimensions that are asked for. The days are those of the sender domain's zone. A provider that is only a
-- domain is one of the others: what was sent is counted by known providers. What is known to have come back is taken off
-- the tracked mail of its task and day, where the two can still be told apart.
WITH zone AS (
    SELECT * FROM unnest(%(domains)s::text[], %(zones)s::text[]) AS z (sender_domain, time_zone)
), grain AS (
    SELECT s.task_id, s.sender_domain, CASE WHEN %(by_day)s THEN (s.sent_day AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date END AS day,
           CASE WHEN %(by_provider)s THEN s.mailbox_provider END AS provider,
           sum(accepted) AS accepted, sum(invalid) AS invalid, sum(spam_refused) AS spam_refused,
           sum(other_refused) AS other_refused, sum(infrastructure) AS infrastructure, sum(suppressed) AS suppressed,
           sum(unknown) AS unknown, sum(accepted) FILTER (WHERE opens_tracked) AS opens_tracked,
           sum(accepted) FILTER (WHERE clicks_tracked) AS clicks_tracked,
           0::bigint AS delivered, 0::bigint AS deferred, 0::bigint AS dropped, 0::bigint AS soft_bounced,
           0::bigint AS hard_bounced, 0::bigint AS complained, 0::bigint AS unsubscribed,
           0::bigint AS opened_people, 0::bigint AS opened_machines, 0::bigint AS opened_unknown,
           0::bigint AS clicked_people, 0::bigint AS clicked_machines, 0::bigint AS clicked_unknown,
           0::bigint AS opens, 0::bigint AS clicks
    FROM send_count s LEFT JOIN zone z USING (sender_domain)
    WHERE s.sender_domain = ANY(%(domains)s) AND s.sent_day >= %(since)s AND s.sent_day < %(until)s AND NOT s.is_test
      AND (%(task_ids)s::bigint[] IS NULL OR s.task_id = ANY(%(task_ids)s::bigint[]))
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT f.task_id, f.sender_domain, CASE WHEN %(by_day)s THEN (f.sent_day AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date END,
           CASE WHEN NOT %(by_provider)s THEN NULL
                WHEN position('.' IN f.mailbox_provider) > 0 OR f.mailbox_provider = 'unknown' THEN 'other'
                ELSE f.mailbox_provider END,
           0, 0, 0, 0, 0, 0, 0, 0, 0, sum(delivered), sum(deferred), sum(dropped), sum(soft_bounced), sum(hard_bounced),
           sum(complained), sum(unsubscribed), 0, 0, 0, 0, 0, 0, 0, 0
    FROM feedback_count f LEFT JOIN zone z USING (sender_domain)
    WHERE f.sender_domain = ANY(%(domains)s) AND f.sent_day >= %(since)s AND f.sent_day < %(until)s
      AND (%(task_ids)s::bigint[] IS NULL OR f.task_id = ANY(%(task_ids)s::bigint[]))
      AND f.task_id <> ALL(ARRAY(SELECT id FROM send_task WHERE type = 'test'))
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT e.task_id, e.sender_domain, CASE WHEN %(by_day)s THEN (e.sent_day AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date END,
           CASE WHEN NOT %(by_provider)s THEN NULL
                WHEN position('.' IN e.mailbox_provider) > 0 OR e.mailbox_provider = 'unknown' THEN 'other'
                ELSE e.mailbox_provider END,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(opened_people), sum(opened_machines), sum(opened_unknown),
           sum(clicked_people), sum(clicked_machines), sum(clicked_unknown), sum(opens), sum(clicks)
    FROM engagement_count e LEFT JOIN zone z USING (sender_domain)
    WHERE e.sender_domain = ANY(%(domains)s) AND e.sent_day >= %(since)s AND e.sent_day < %(until)s
      AND (%(task_ids)s::bigint[] IS NULL OR e.task_id = ANY(%(task_ids)s::bigint[]))
      AND e.task_id <> ALL(ARRAY(SELECT id FROM send_task WHERE type = 'test'))
    GROUP BY 1, 2, 3, 4
), known AS (
    SELECT task_id, sender_domain, day, provider, sum(accepted) AS accepted, sum(invalid) AS invalid,
           sum(spam_refused) AS spam_refused, sum(other_refused) AS other_refused, sum(infrastructure) AS infrastructure,
           sum(suppressed) AS suppressed, sum(unknown) AS unknown, sum(delivered) AS delivered, sum(deferred) AS deferred,
           sum(dropped) AS dropped, sum(soft_bounced) AS soft_bounced, sum(hard_bounced) AS hard_bounced,
           sum(complained) AS complained, sum(unsubscribed) AS unsubscribed,
           greatest(0, coalesce(sum(opens_tracked), 0) - sum(soft_bounced + hard_bounced + dropped)) AS opens_tracked,
           greatest(0, coalesce(sum(clicks_tracked), 0) - sum(soft_bounced + hard_bounced + dropped)) AS clicks_tracked,
           sum(opened_people) AS opened_people, sum(opened_machines) AS opened_machines, sum(opened_unknown) AS opened_unknown,
           sum(clicked_people) AS clicked_people, sum(clicked_machines) AS clicked_machines,
           sum(clicked_unknown) AS clicked_unknown, sum(opens) AS opens, sum(clicks) AS clicks
    FROM grain GROUP BY 1, 2, 3, 4
)
SELECT coalesce(k.day::text, '') AS day, CASE WHEN %(by_domain)s THEN k.sender_domain ELSE '' END AS sender_domain,
       CASE WHEN %(by_task)s THEN t.name ELSE '' END AS task, CASE WHEN %(by_task)s THEN k.task_id END AS task_id,
       coalesce(k.provider, '') AS mailbox_provider,
       sum(k.accepted)::bigint AS accepted, sum(k.invalid)::bigint AS invalid, sum(k.spam_refused)::bigint AS spam_refused,
       sum(k.other_refused)::bigint AS other_refused, sum(k.infrastructure)::bigint AS infrastructure,
       sum(k.suppressed)::bigint AS suppressed, sum(k.unknown)::bigint AS unknown, sum(k.delivered)::bigint AS delivered,
       sum(k.deferred)::bigint AS deferred, sum(k.dropped)::bigint AS dropped, sum(k.soft_bounced)::bigint AS soft_bounced,
       sum(k.hard_bounced)::bigint AS hard_bounced, sum(k.complained)::bigint AS complained,
       sum(k.unsubscribed)::bigint AS unsubscribed, sum(k.opens_tracked)::bigint AS opens_tracked,
       sum(k.clicks_tracked)::bigint AS clicks_tracked, sum(k.opened_people)::bigint AS opened_people,
       sum(k.opened_machines)::bigint AS opened_machines, sum(k.opened_unknown)::bigint AS opened_unknown,
       sum(k.clicked_people)::bigint AS clicked_people, sum(k.clicked_machines)::bigint AS clicked_machines,
       sum(k.clicked_unknown)::bigint AS clicked_unknown, sum(k.opens)::bigint AS opens, sum(k.clicks)::bigint AS clicks
FROM known k JOIN send_task t ON t.id = k.task_id
WHERE t.name <> ALL(%(hidden)s::text[]) AND t.id <> ALL(%(hidden_ids)s::bigint[])
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1 DESC, sum(k.accepted) DESC, 2, 3, 4, 5
LIMIT %(limit)s;
