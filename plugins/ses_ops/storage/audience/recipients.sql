-- name: group_by_name
SELECT id, name, description, variables, recipient_count, empty_is_missing, created_at, updated_at
FROM recipient_group WHERE name = %(name)s AND deleted_at IS NULL;

-- name: groups
SELECT id, name, description, variables, recipient_count, empty_is_missing, created_at, updated_at
FROM recipient_group WHERE deleted_at IS NULL ORDER BY name;

-- name: column_facts
SELECT empty_is_missing, coalesce(columns_with_empty_cells, '{}') AS with_empty_cells,
       coalesce(columns_saying_no, '{}') AS saying_no
FROM recipient_group WHERE name = %(name)s AND deleted_at IS NULL;

-- name: sample
SELECT position, address, "values" FROM recipient
WHERE group_id = %(group_id)s AND (%(address_key)s::text IS NULL OR address_key = %(address_key)s)
ORDER BY position LIMIT %(limit)s;

-- name: read_in_order
-- For this transaction. The planner takes any pattern for a rare one, and would read and sort a million rows to show the
-- first twenty-five: 0.35 s instead of 1 ms.
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true);

-- name: recipients_from
-- A page of the file, by the index on (group_id, position); suppression is looked up for these rows alone. With a key or
-- patterns the group is read until enough are found: 0.1 s of CPU for a million by LIKE, which takes half of strpos's
-- time, and half of that by equality. An index on addresses would cost every import a third more.
SELECT r.position AS line, r.address, r."values", s.reason AS suppressed
FROM (
    SELECT position, address, address_key, "values" FROM recipient
    WHERE group_id = %(group_id)s AND position >= %(line)s
      AND (%(key)s::text IS NULL OR address_key = %(key)s)
      AND (%(patterns)s::text[] IS NULL OR address_key LIKE ANY(%(patterns)s))
    ORDER BY position LIMIT %(limit)s
) r
LEFT JOIN erasure_key k ON true
LEFT JOIN LATERAL (
    SELECT s.reason FROM suppression s
    WHERE s.address_key IN (r.address_key, erased_address(k, r.address_key))
      AND (s.expires_at IS NULL OR s.expires_at > now()) ORDER BY s.scope LIMIT 1
) s ON true
ORDER BY r.position;

-- name: recipients_of_group
-- Read by a cursor, in the order of the index: the first rows come at once.
SELECT r.address, r."values", s.reason AS suppressed
FROM recipient r
LEFT JOIN erasure_key k ON true
LEFT JOIN LATERAL (
    SELECT s.reason FROM suppression s
    WHERE s.address_key IN (r.address_key, erased_address(k, r.address_key))
      AND (s.expires_at IS NULL OR s.expires_at > now()) ORDER BY s.scope LIMIT 1
) s ON true
WHERE r.group_id = %(group_id)s ORDER BY r.position;

-- name: line_before
SELECT min(position) AS line FROM (
    SELECT position FROM recipient
    WHERE group_id = %(group_id)s AND position < %(line)s ORDER BY position DESC LIMIT %(count)s
) before;

-- name: insert_group
INSERT INTO recipient_group (name, description, variables) VALUES (%(name)s, %(description)s, '{}')
ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING;

-- name: describe_group
UPDATE recipient_group SET description = %(description)s WHERE name = %(name)s AND deleted_at IS NULL;

-- name: tasks_of_group
SELECT name, type, template, subject, sender, sender_domain, reply_to, unsubscribe_url, unsubscribe, advertisement,
       track_opens, track_clicks, cancelled_at, finished_at
FROM send_task
WHERE group_id = %(group_id)s AND deleted_at IS NULL AND listed ORDER BY id;

-- name: unfinished_tasks
SELECT g.name AS group_name, t.name
FROM send_task t JOIN recipient_group g ON g.id = t.group_id
WHERE g.name = ANY(%(groups)s) AND g.deleted_at IS NULL AND t.deleted_at IS NULL AND t.cancelled_at IS NULL AND t.finished_at IS NULL
  AND t.listed
ORDER BY t.id;

-- name: let_go_of_group
-- A deleted task keeps its ledger, which names every address, and so needs the group no more.
UPDATE send_task SET group_id = NULL WHERE group_id = %(group_id)s AND deleted_at IS NOT NULL;

-- name: lock_group
-- Before its million rows are taken away: an import that runs would make them come back.
SELECT id FROM recipient_group WHERE id = %(group_id)s FOR UPDATE;

-- name: delete_group
DELETE FROM recipient_group WHERE id = %(group_id)s;

-- name: bury_group
-- Tasks that have ended name it on their pages.
UPDATE recipient_group SET deleted_at = now(), recipient_count = 0, description = '', columns_with_empty_cells = NULL,
    columns_saying_no = NULL
WHERE id = %(group_id)s;

-- name: suppressed_of_group
SELECT count(*)::int AS count FROM recipient r
WHERE r.group_id = %(group_id)s AND EXISTS (
    SELECT FROM suppression s
    WHERE s.address_key = r.address_key AND s.scope IN ('', %(sender_domain)s)
      AND (s.expires_at IS NULL OR s.expires_at > now())
);

-- name: wait_a_moment
SELECT set_config('lock_timeout', %(timeout)s, true);
