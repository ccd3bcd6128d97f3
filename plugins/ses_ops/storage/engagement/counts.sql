-- name: add_counts
-- After the events and the messages: all writers of a task meet at these rows, and wait until the transaction ends.
INSERT INTO engagement_count AS c (task_id, sender_domain, sent_day, mailbox_provider, opened_people, opened_machines,
                                   opened_unknown, clicked_people, clicked_machines, clicked_unknown, engaged_people, opens,
                                   clicks)
SELECT task_id, sender_domain, sent_day, mailbox_provider, opened_people, opened_machines, opened_unknown, clicked_people,
       clicked_machines, clicked_unknown, engaged_people, opens, clicks
FROM json_to_recordset(%(counts)s::json) AS r (
    task_id bigint, sender_domain text, sent_day timestamptz, mailbox_provider text, opened_people int,
    opened_machines int, opened_unknown int, clicked_people int, clicked_machines int, clicked_unknown int,
    engaged_people int, opens int, clicks int)
ORDER BY task_id, sender_domain, sent_day, mailbox_provider
ON CONFLICT (task_id, sender_domain, sent_day, mailbox_provider) DO UPDATE SET
    opened_people = c.opened_people + excluded.opened_people, opened_machines = c.opened_machines + excluded.opened_machines,
    opened_unknown = c.opened_unknown + excluded.opened_unknown, clicked_people = c.clicked_people + excluded.clicked_people,
    clicked_machines = c.clicked_machines + excluded.clicked_machines,
    clicked_unknown = c.clicked_unknown + excluded.clicked_unknown, engaged_people = c.engaged_people + excluded.engaged_people,
    opens = c.opens + excluded.opens, clicks = c.clicks + excluded.clicks;

-- name: add_links
INSERT INTO link_count AS c (task_id, link_id, clicks, people, machines)
SELECT task_id, link_id, clicks, people, machines
FROM json_to_recordset(%(links)s::json) AS r (task_id bigint, link_id bigint, clicks int, people int, machines int)
ORDER BY task_id, link_id
ON CONFLICT (task_id, link_id) DO UPDATE SET clicks = c.clicks + excluded.clicks, people = c.people + excluded.people,
    machines = c.machines + excluded.machines;

-- name: add_hours
INSERT INTO engagement_hour AS c (task_id, hour, opens_people, clicks_people, opens, clicks)
SELECT task_id, hour, opens_people, clicks_people, opens, clicks
FROM json_to_recordset(%(hours)s::json) AS r (
    task_id bigint, hour timestamptz, opens_people int, clicks_people int, opens int, clicks int)
ORDER BY task_id, hour
ON CONFLICT (task_id, hour) DO UPDATE SET opens_people = c.opens_people + excluded.opens_people,
    clicks_people = c.clicks_people + excluded.clicks_people, opens = c.opens + excluded.opens,
    clicks = c.clicks + excluded.clicks;
