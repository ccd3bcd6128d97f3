-- name: no_jit
-- Compiling the sums takes longer than adding.
SELECT set_config('jit', 'off', true);

-- name: sums
-- Sums by the dimensions that are asked for, of sender domains whose days are those of one zone. A provider that is only a
-- domain is one of the others: what was sent is counted by known providers. What is known to have come back is taken off
-- the tracked mail of its task and day, or provider, where the two can still be told apart.
WITH left_out AS (
    SELECT id FROM send_task WHERE NOT counted OR name = ANY(%(hidden)s::text[]) OR id = ANY(%(hidden_ids)s::bigint[])
       OR (%(kind)s::text IS NOT NULL AND (type = 'api') <> (%(kind)s = 'trigger'))
), grain AS (
    SELECT CASE WHEN %(grain_is_task)s THEN s.task_id END AS task_id, s.sender_domain, CASE WHEN %(by_day)s THEN (s.sent_day AT TIME ZONE %(time_zone)s)::date END AS day,
           CASE WHEN %(by_provider)s THEN s.mailbox_provider END AS provider,
           sum(accepted)::int AS accepted, sum(invalid)::int AS invalid, sum(spam_refused)::int AS spam_refused,
           sum(other_refused)::int AS other_refused, sum(infrastructure)::int AS infrastructure, sum(suppressed)::int AS suppressed,
           sum(unknown)::int AS unknown, sum(accepted) FILTER (WHERE opens_tracked)::int AS opens_tracked,
           sum(accepted) FILTER (WHERE clicks_tracked)::int AS clicks_tracked,
           0 AS delivered, 0 AS deferred, 0 AS dropped, 0 AS soft_bounced,
           0 AS hard_bounced, 0 AS complained, 0 AS unsubscribed,
           0 AS opened_people, 0 AS opened_machines, 0 AS opened_unknown,
           0 AS clicked_people, 0 AS clicked_machines, 0 AS clicked_unknown,
           0 AS opens, 0 AS clicks
    FROM send_count s
    WHERE s.sender_domain = ANY(%(domains)s) AND s.sent_day >= %(since)s AND s.sent_day < %(until)s AND NOT s.is_test
      AND (%(task_ids)s::bigint[] IS NULL OR s.task_id = ANY(%(task_ids)s::bigint[]))
      AND s.task_id <> ALL(ARRAY(SELECT id FROM left_out))
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT CASE WHEN %(grain_is_task)s THEN f.task_id END, f.sender_domain, CASE WHEN %(by_day)s THEN (f.sent_day AT TIME ZONE %(time_zone)s)::date END,
           CASE WHEN NOT %(by_provider)s THEN NULL
                WHEN position('.' IN f.mailbox_provider) > 0 OR f.mailbox_provider = 'unknown' THEN 'other'
                ELSE f.mailbox_provider END,
           0, 0, 0, 0, 0, 0, 0, 0, 0, sum(delivered)::int, sum(deferred)::int, sum(dropped)::int, sum(soft_bounced)::int, sum(hard_bounced)::int,
           sum(complained)::int, sum(unsubscribed)::int, 0, 0, 0, 0, 0, 0, 0, 0
    FROM feedback_count f
    WHERE f.sender_domain = ANY(%(domains)s) AND f.sent_day >= %(since)s AND f.sent_day < %(until)s
      AND (%(task_ids)s::bigint[] IS NULL OR f.task_id = ANY(%(task_ids)s::bigint[]))
      AND f.task_id <> ALL(ARRAY(SELECT id FROM left_out))
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT CASE WHEN %(grain_is_task)s THEN e.task_id END, e.sender_domain, CASE WHEN %(by_day)s THEN (e.sent_day AT TIME ZONE %(time_zone)s)::date END,
           CASE WHEN NOT %(by_provider)s THEN NULL
                WHEN position('.' IN e.mailbox_provider) > 0 OR e.mailbox_provider = 'unknown' THEN 'other'
                ELSE e.mailbox_provider END,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(opened_people)::int, sum(opened_machines)::int, sum(opened_unknown)::int,
           sum(clicked_people)::int, sum(clicked_machines)::int, sum(clicked_unknown)::int, sum(opens)::int, sum(clicks)::int
    FROM engagement_count e
    WHERE e.sender_domain = ANY(%(domains)s) AND e.sent_day >= %(since)s AND e.sent_day < %(until)s
      AND (%(task_ids)s::bigint[] IS NULL OR e.task_id = ANY(%(task_ids)s::bigint[]))
      AND e.task_id <> ALL(ARRAY(SELECT id FROM left_out))
    GROUP BY 1, 2, 3, 4
), known AS (
    SELECT task_id, sender_domain, day, provider, sum(accepted)::int AS accepted, sum(invalid)::int AS invalid,
           sum(spam_refused)::int AS spam_refused, sum(other_refused)::int AS other_refused, sum(infrastructure)::int AS infrastructure,
           sum(suppressed)::int AS suppressed, sum(unknown)::int AS unknown, sum(delivered)::int AS delivered, sum(deferred)::int AS deferred,
           sum(dropped)::int AS dropped, sum(soft_bounced)::int AS soft_bounced, sum(hard_bounced)::int AS hard_bounced,
           sum(complained)::int AS complained, sum(unsubscribed)::int AS unsubscribed,
           greatest(0, coalesce(sum(opens_tracked), 0) - sum(soft_bounced + hard_bounced + dropped))::int AS opens_tracked,
           greatest(0, coalesce(sum(clicks_tracked), 0) - sum(soft_bounced + hard_bounced + dropped))::int AS clicks_tracked,
           sum(opened_people)::int AS opened_people, sum(opened_machines)::int AS opened_machines, sum(opened_unknown)::int AS opened_unknown,
           sum(clicked_people)::int AS clicked_people, sum(clicked_machines)::int AS clicked_machines,
           sum(clicked_unknown)::int AS clicked_unknown, sum(opens)::int AS opens, sum(clicks)::int AS clicks
    FROM grain GROUP BY 1, 2, 3, 4
)
SELECT coalesce(k.day::text, '') AS day, CASE WHEN %(by_domain)s THEN k.sender_domain ELSE '' END AS sender_domain,
       CASE WHEN %(by_task)s THEN t.name ELSE '' END AS task, CASE WHEN %(by_task)s THEN k.task_id END AS task_id,
       coalesce(k.provider, '') AS mailbox_provider,
       CASE WHEN NOT %(by_kind)s THEN '' WHEN t.type = 'api' THEN 'trigger' ELSE 'bulk' END AS kind,
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
FROM known k LEFT JOIN send_task t ON t.id = k.task_id
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1 DESC, sum(k.accepted) DESC, 2, 3, 4, 5, 6
LIMIT %(limit)s;
