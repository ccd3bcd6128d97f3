-- name: by_day
-- Test sends and simulators are in no rate. Of what had a pixel, the bounces of tasks that had one that day are taken off.
WITH asked AS (
    SELECT * FROM unnest(%(domains)s::text[], %(since)s::timestamptz[]) AS a (sender_domain, since)
), sent AS (
    SELECT c.sender_domain, c.sent_day, sum(c.accepted) AS accepted, sum(c.invalid) AS invalid_refused,
           sum(c.spam_refused) AS spam_refused, sum(c.other_refused) AS other_refused,
           sum(c.infrastructure) AS infrastructure_refused,
           coalesce(sum(c.accepted) FILTER (WHERE c.opens_tracked), 0) AS opens_tracked
    FROM asked a JOIN send_count c ON c.sender_domain = a.sender_domain AND c.sent_day >= a.since
    WHERE NOT c.is_test AND c.mailbox_provider <> 'simulator'
    GROUP BY 1, 2
), tracked AS (
    SELECT DISTINCT c.task_id, c.sender_domain, c.sent_day
    FROM asked a JOIN send_count c ON c.sender_domain = a.sender_domain AND c.sent_day >= a.since
    WHERE c.opens_tracked AND NOT c.is_test
), told AS (
    SELECT f.sender_domain, f.sent_day, sum(f.deferred) AS deferred, sum(f.dropped) AS dropped,
           sum(f.hard_bounced) AS hard_bounced, sum(f.soft_bounced) AS soft_bounced, sum(f.spam_bounced) AS spam_bounced,
           sum(f.infrastructure_bounced) AS infrastructure_bounced, sum(f.complained) AS complained,
           coalesce(sum(f.soft_bounced + f.hard_bounced) FILTER (WHERE k.task_id IS NOT NULL), 0) AS tracked_bounced
    FROM asked a JOIN feedback_count f ON f.sender_domain = a.sender_domain AND f.sent_day >= a.since
    JOIN send_task t ON t.id = f.task_id AND t.counted
    LEFT JOIN tracked k ON k.task_id = f.task_id AND k.sender_domain = f.sender_domain AND k.sent_day = f.sent_day
    WHERE f.mailbox_provider <> 'simulator'
    GROUP BY 1, 2
), opened AS (
    SELECT e.sender_domain, e.sent_day, sum(e.opened_people) AS opened_people
    FROM asked a JOIN engagement_count e ON e.sender_domain = a.sender_domain AND e.sent_day >= a.since
    JOIN send_task t ON t.id = e.task_id AND t.counted
    WHERE e.mailbox_provider <> 'simulator'
    GROUP BY 1, 2
)
SELECT sender_domain, sent_day, coalesce(s.accepted, 0)::int AS accepted, coalesce(s.invalid_refused, 0)::int AS invalid_refused,
       coalesce(s.spam_refused, 0)::int AS spam_refused, coalesce(s.other_refused, 0)::int AS other_refused,
       coalesce(s.infrastructure_refused, 0)::int AS infrastructure_refused, coalesce(t.deferred, 0)::int AS deferred,
       coalesce(t.dropped, 0)::int AS dropped, coalesce(t.hard_bounced, 0)::int AS hard_bounced,
       coalesce(t.soft_bounced, 0)::int AS soft_bounced, coalesce(t.spam_bounced, 0)::int AS spam_bounced,
       coalesce(t.infrastructure_bounced, 0)::int AS infrastructure_bounced, coalesce(t.complained, 0)::int AS complained,
       greatest(coalesce(s.opens_tracked, 0) - coalesce(t.tracked_bounced, 0), 0)::int AS opens_tracked,
       coalesce(o.opened_people, 0)::int AS opened_people
FROM sent s FULL JOIN told t USING (sender_domain, sent_day) LEFT JOIN opened o USING (sender_domain, sent_day)
ORDER BY sender_domain, sent_day;

-- name: evidence
-- Measured: the bounce domain is set and bounces or complaints came in lately (of whatever domain), or a provider has told
-- of this domain's own mail. Who only unsubscribed has told nothing of bounces.
WITH reports AS (
    SELECT coalesce(max(last_at) > now() - interval '30 days', false) AS heard
    FROM event_feed WHERE source IN ('bounce_mail', 'feedback_report') AND events + repetitions + unmatched > 0
)
SELECT a.sender_domain,
       (r.heard AND d.bounce_domain IS NOT NULL) OR EXISTS (
           SELECT FROM feedback_count f
           WHERE f.sender_domain = a.sender_domain AND f.sent_day > now() - interval '30 days'
             AND f.delivered + f.deferred + f.dropped + f.soft_bounced + f.hard_bounced + f.complained > 0) AS measured,
       coalesce(w.waiting, 0)::int AS waiting
FROM unnest(%(domains)s::text[]) AS a (sender_domain) CROSS JOIN reports r
LEFT JOIN sender_domain d ON d.domain = a.sender_domain
LEFT JOIN LATERAL (
    SELECT sum(c.pending) AS waiting FROM chunk c
    WHERE c.sender_domain = a.sender_domain AND c.state = 'cached' AND c.setbacks > 0
      AND c.reserved_at > now() - interval '1 day'
) w ON true;

-- name: hold_attempts
-- The other side is taken by attempts that end (storage/ledger/send_counts.sql).
SELECT pg_advisory_xact_lock(7370, hashtext(%(sender_domain)s));

-- name: hold_events
-- The other side is taken by writers of events (storage/events/recording.sql).
SELECT pg_advisory_xact_lock(7369, 0);

-- name: moment
SELECT clock_timestamp();
