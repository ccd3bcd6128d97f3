-- name: as_of
-- The same numbers as `by_day` of figures.sql gives at once from the counts, worked out from attempts and events that were
-- there at each moment. Each message has the moments at which it was first told of, and counts as the highest of what had
-- been told by then (domain/message_feedback.py).
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[], %(first_days)s::timestamptz[],
                         %(last_days)s::timestamptz[]) AS a (id, moment, first_day, last_day)
), span AS (
    SELECT min(first_day) AS first_day, max(last_day) AS last_day FROM asked
), sent AS (
    SELECT a.id, c.sent_day, sum(c.accepted - CASE WHEN c.assumed_at > a.moment THEN c.assumed ELSE 0 END) AS accepted,
           sum(c.invalid) AS invalid_refused, sum(c.spam_refused) AS spam_refused, sum(c.other_refused) AS other_refused,
           sum(c.infrastructure) AS infrastructure_refused,
           coalesce(sum(c.accepted - CASE WHEN c.assumed_at > a.moment THEN c.assumed ELSE 0 END)
                    FILTER (WHERE c.opens_tracked), 0) AS opens_tracked
    FROM asked a JOIN send_count c ON c.sender_domain = %(sender_domain)s AND c.sent_day BETWEEN a.first_day AND a.last_day
    WHERE NOT c.is_test AND c.mailbox_provider <> 'simulator' AND c.ended_at <= a.moment
    GROUP BY 1, 2
), tracked AS (
    SELECT DISTINCT a.id, c.task_id, c.sent_day
    FROM asked a JOIN send_count c ON c.sender_domain = %(sender_domain)s AND c.sent_day BETWEEN a.first_day AND a.last_day
    WHERE NOT c.is_test AND c.opens_tracked AND c.ended_at <= a.moment
), tasks AS (
    SELECT DISTINCT f.task_id FROM span CROSS JOIN feedback_count f JOIN send_task t ON t.id = f.task_id
    WHERE f.sender_domain = %(sender_domain)s AND f.sent_day BETWEEN span.first_day AND span.last_day AND t.counted
), message AS MATERIALIZED (
    SELECT f.task_id, f.sent_day, f.refused, min(e.received_at) FILTER (WHERE e.kind = 'deferred') AS deferred,
           min(e.received_at) FILTER (WHERE e.kind = 'delivered') AS delivered,
           min(e.received_at) FILTER (WHERE e.kind = 'dropped') AS dropped,
           min(e.received_at) FILTER (WHERE e.kind = 'bounced' AND NOT e.hard) AS soft,
           min(e.received_at) FILTER (WHERE e.kind = 'bounced' AND e.hard) AS hard,
           min(e.received_at) FILTER (WHERE e.about = 1) AS spam, min(e.received_at) FILTER (WHERE e.about = 2) AS infrastructure,
           min(e.received_at) FILTER (WHERE e.kind = 'complained') AS complained
    FROM span CROSS JOIN tasks JOIN message_feedback f ON f.task_id = tasks.task_id
    JOIN message_event e ON e.occurrence_id = f.occurrence_id AND e.seq = f.seq
    WHERE f.sender_domain = %(sender_domain)s AND f.sent_day BETWEEN span.first_day AND span.last_day
      AND f.mailbox_provider <> 'simulator'
    GROUP BY f.occurrence_id, f.seq
), state AS (
    SELECT a.id, m.sent_day, k.task_id IS NOT NULL AS tracked, coalesce(m.spam <= a.moment, false) AS spam,
           coalesce(m.infrastructure <= a.moment, false) AS infrastructure,
           coalesce(m.complained <= a.moment, false) AS complained,
           CASE WHEN m.refused AND least(m.soft, m.hard, m.dropped, m.deferred) <= a.moment THEN 6
                WHEN m.hard <= a.moment THEN 5 WHEN m.soft <= a.moment THEN 4 WHEN m.delivered <= a.moment THEN 3
                WHEN m.dropped <= a.moment THEN 2 WHEN m.deferred <= a.moment THEN 1 ELSE 0 END AS outcome
    FROM asked a JOIN message m ON m.sent_day BETWEEN a.first_day AND a.last_day
    LEFT JOIN tracked k ON k.id = a.id AND k.task_id = m.task_id AND k.sent_day = m.sent_day
), told AS (
    SELECT id, sent_day, count(*) FILTER (WHERE outcome = 1) AS deferred, count(*) FILTER (WHERE outcome = 2) AS dropped,
           count(*) FILTER (WHERE outcome = 5) AS hard_bounced, count(*) FILTER (WHERE outcome = 4) AS soft_bounced,
           count(*) FILTER (WHERE outcome = 4 AND spam) AS spam_bounced,
           count(*) FILTER (WHERE outcome = 4 AND infrastructure AND NOT spam) AS infrastructure_bounced,
           count(*) FILTER (WHERE complained) AS complained,
           count(*) FILTER (WHERE outcome IN (4, 5) AND tracked) AS tracked_bounced
    FROM state GROUP BY 1, 2
), opened AS (
    SELECT a.id, g.sent_day, count(*) AS opened_people
    FROM asked a JOIN LATERAL (
        SELECT m.sent_day FROM message_engagement m JOIN send_task t ON t.id = m.task_id AND t.counted
        WHERE m.sender_domain = %(sender_domain)s AND m.sent_day BETWEEN a.first_day AND a.last_day
          AND m.mailbox_provider <> 'simulator' AND m.opens_people > 0
          AND EXISTS (SELECT FROM engagement e WHERE e.occurrence_id = m.occurrence_id AND e.seq = m.seq
                        AND e.kind = 'opened' AND e.verdict = 1 AND e.received_at <= a.moment)
    ) g ON true
    GROUP BY 1, 2
)
SELECT id, sent_day, coalesce(s.accepted, 0)::int AS accepted, coalesce(s.invalid_refused, 0)::int AS invalid_refused,
       coalesce(s.spam_refused, 0)::int AS spam_refused, coalesce(s.other_refused, 0)::int AS other_refused,
       coalesce(s.infrastructure_refused, 0)::int AS infrastructure_refused, coalesce(t.deferred, 0)::int AS deferred,
       coalesce(t.dropped, 0)::int AS dropped, coalesce(t.hard_bounced, 0)::int AS hard_bounced,
       coalesce(t.soft_bounced, 0)::int AS soft_bounced, coalesce(t.spam_bounced, 0)::int AS spam_bounced,
       coalesce(t.infrastructure_bounced, 0)::int AS infrastructure_bounced, coalesce(t.complained, 0)::int AS complained,
       greatest(coalesce(s.opens_tracked, 0) - coalesce(t.tracked_bounced, 0), 0)::int AS opens_tracked,
       coalesce(o.opened_people, 0)::int AS opened_people
FROM sent s FULL JOIN told t USING (id, sent_day) LEFT JOIN opened o USING (id, sent_day)
ORDER BY id, sent_day;
