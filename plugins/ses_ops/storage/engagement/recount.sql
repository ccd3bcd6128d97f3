-- name: kept_from
-- The beginning of the oldest month that has a partition; earlier events were dropped, or have odd dates.
SELECT to_timestamp(min(right(c.relname, 7)), 'YYYY_MM') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'engagement'::regclass AND c.relname ~ '^engagement_\d{4}_\d{2}$';

-- name: wrong_messages
-- Messages of a start whose numbers of opens and clicks are others than those of their events. Messages of which an event
-- may have been dropped are left out: those that were sent before the oldest month.
WITH told AS (
    SELECT seq, count(*) FILTER (WHERE kind = 'opened' AND verdict = 1)::int AS opens_people,
           count(*) FILTER (WHERE kind = 'opened' AND verdict = 2)::int AS opens_machines,
           count(*) FILTER (WHERE kind = 'opened' AND verdict = 0)::int AS opens_unknown,
           count(*) FILTER (WHERE kind = 'clicked' AND verdict = 1)::int AS clicks_people,
           count(*) FILTER (WHERE kind = 'clicked' AND verdict = 2)::int AS clicks_machines,
           count(*) FILTER (WHERE kind = 'clicked' AND verdict = 0)::int AS clicks_unknown,
           min(occurred_at) AS first_at
    FROM engagement WHERE occurrence_id = %(occurrence_id)s GROUP BY seq
)
SELECT coalesce(k.seq, t.seq) AS seq, k.seq IS NULL AS missing, coalesce(t.opens_people, 0) AS opens_people,
       coalesce(t.opens_machines, 0) AS opens_machines, coalesce(t.opens_unknown, 0) AS opens_unknown,
       coalesce(t.clicks_people, 0) AS clicks_people, coalesce(t.clicks_machines, 0) AS clicks_machines,
       coalesce(t.clicks_unknown, 0) AS clicks_unknown
FROM told t
FULL JOIN (SELECT * FROM message_engagement WHERE occurrence_id = %(occurrence_id)s) k ON k.seq = t.seq
WHERE coalesce(k.sent_day, t.first_at) >= %(kept_from)s
  AND (coalesce(t.opens_people, 0), coalesce(t.opens_machines, 0), coalesce(t.opens_unknown, 0),
       coalesce(t.clicks_people, 0), coalesce(t.clicks_machines, 0), coalesce(t.clicks_unknown, 0))
   <> (coalesce(k.opens_people, 0), coalesce(k.opens_machines, 0), coalesce(k.opens_unknown, 0),
       coalesce(k.clicks_people, 0), coalesce(k.clicks_machines, 0), coalesce(k.clicks_unknown, 0))
ORDER BY 1;

-- name: set_messages
UPDATE message_engagement e SET
    opens_people = r.opens_people, opens_machines = r.opens_machines, opens_unknown = r.opens_unknown,
    clicks_people = r.clicks_people, clicks_machines = r.clicks_machines, clicks_unknown = r.clicks_unknown
FROM json_to_recordset(%(messages)s::json) AS r (
    seq int, opens_people int, opens_machines int, opens_unknown int, clicks_people int, clicks_machines int,
    clicks_unknown int)
WHERE e.occurrence_id = %(occurrence_id)s AND e.seq = r.seq;

-- name: counted
-- What the messages of a task give; `opens` and `clicks` are numbers of events.
SELECT sender_domain, sent_day, mailbox_provider,
       count(*) FILTER (WHERE opens_people > 0)::int AS opened_people,
       count(*) FILTER (WHERE opens_people = 0 AND opens_unknown = 0 AND opens_machines > 0)::int AS opened_machines,
       count(*) FILTER (WHERE opens_people = 0 AND opens_unknown > 0)::int AS opened_unknown,
       count(*) FILTER (WHERE clicks_people > 0)::int AS clicked_people,
       count(*) FILTER (WHERE clicks_people = 0 AND clicks_unknown = 0 AND clicks_machines > 0)::int AS clicked_machines,
       count(*) FILTER (WHERE clicks_people = 0 AND clicks_unknown > 0)::int AS clicked_unknown,
       count(*) FILTER (WHERE opens_people > 0 OR clicks_people > 0)::int AS engaged_people,
       sum(opens_people + opens_machines + opens_unknown)::int AS opens,
       sum(clicks_people + clicks_machines + clicks_unknown)::int AS clicks
FROM message_engagement WHERE task_id = %(task_id)s GROUP BY 1, 2, 3;

-- name: stored
SELECT sender_domain, sent_day, mailbox_provider, opened_people, opened_machines, opened_unknown, clicked_people,
       clicked_machines, clicked_unknown, engaged_people, opens, clicks
FROM engagement_count WHERE task_id = %(task_id)s;

-- name: first_event
-- When the first message of a task with an open or a click was sent: nothing was dropped of a task that is younger.
SELECT min(sent_day) FROM message_engagement WHERE task_id = %(task_id)s;

-- name: counted_links
SELECT link_id, sum(clicks)::int AS clicks, count(*) FILTER (WHERE people)::int AS people,
       count(*) FILTER (WHERE NOT people AND machines)::int AS machines
FROM (
    SELECT g.link_id, count(*) AS clicks, bool_or(g.verdict = 1) AS people, bool_and(g.verdict = 2) AS machines
    FROM message_engagement m JOIN engagement g ON g.occurrence_id = m.occurrence_id AND g.seq = m.seq
    WHERE m.task_id = %(task_id)s AND g.link_id IS NOT NULL GROUP BY g.link_id, m.occurrence_id, m.seq
) of_message GROUP BY link_id;

-- name: stored_links
SELECT link_id, clicks, people, machines FROM link_count WHERE task_id = %(task_id)s;

-- name: counted_hours
SELECT date_trunc('hour', g.happened_at, 'UTC') AS hour,
       count(*) FILTER (WHERE g.kind = 'opened' AND g.verdict = 1)::int AS opens_people,
       count(*) FILTER (WHERE g.kind = 'clicked' AND g.verdict = 1)::int AS clicks_people,
       count(*) FILTER (WHERE g.kind = 'opened')::int AS opens, count(*) FILTER (WHERE g.kind = 'clicked')::int AS clicks
FROM message_engagement m JOIN engagement g ON g.occurrence_id = m.occurrence_id AND g.seq = m.seq
WHERE m.task_id = %(task_id)s GROUP BY 1;

-- name: stored_hours
SELECT hour, opens_people, clicks_people, opens, clicks FROM engagement_hour WHERE task_id = %(task_id)s;
