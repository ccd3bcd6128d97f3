-- name: links_of_task
SELECT l.id, l.target, coalesce(c.clicks, 0) AS clicks, coalesce(c.people, 0) AS people, coalesce(c.machines, 0) AS machines
FROM tracked_link l LEFT JOIN link_count c ON c.task_id = l.task_id AND c.link_id = l.id
WHERE l.task_id = ANY(%(task_ids)s)
ORDER BY coalesce(c.people, 0) DESC, coalesce(c.clicks, 0) DESC, l.id LIMIT %(limit)s;

-- name: hours_of_task
SELECT hour, sum(opens_people)::bigint AS opens_people, sum(clicks_people)::bigint AS clicks_people,
       sum(opens)::bigint AS opens, sum(clicks)::bigint AS clicks
FROM engagement_hour WHERE task_id = ANY(%(task_ids)s) AND hour >= %(since)s AND hour < %(until)s
GROUP BY hour ORDER BY hour;
