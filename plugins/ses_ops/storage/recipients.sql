-- name: group_by_name
SELECT id, name, description, variables, recipient_count, created_at, updated_at
FROM recipient_group WHERE name = %(name)s;

-- name: groups
SELECT id, name, description, variables, recipient_count, created_at, updated_at
FROM recipient_group ORDER BY name;

-- name: make_stage
-- Where a file's rows go first: no other session sees them, nothing is logged, and Ctrl-C leaves nothing behind.
CREATE TEMPORARY TABLE recipient_stage (
    line integer NOT NULL, address text NOT NULL, address_key text NOT NULL, "values" jsonb NOT NULL
) ON COMMIT DROP;

-- name: copy_stage
COPY recipient_stage (line, address, address_key, "values") FROM STDIN;

-- name: index_stage
-- Without statistics the planner takes the stage for a small table.
ANALYZE recipient_stage (address_key);

-- name: upsert_group
-- Locks the group's row until the end: an audience is frozen from the old content or from the new, never from both.
INSERT INTO recipient_group (name, description, variables)
VALUES (%(name)s, coalesce(%(description)s, ''), %(variables)s)
ON CONFLICT (name) DO UPDATE SET
    description = coalesce(%(description)s, recipient_group.description),
    variables = excluded.variables, updated_at = now()
RETURNING id, (xmax = 0) AS created;

-- name: empty_group
DELETE FROM recipient WHERE group_id = %(group_id)s;

-- name: fill_group
-- The first row of an address wins. Sorted by key, so that the index grows at its end and stays dense.
INSERT INTO recipient (group_id, position, address, address_key, "values")
SELECT DISTINCT ON (address_key) %(group_id)s, line, address, address_key, "values"
FROM recipient_stage ORDER BY address_key, line;

-- name: count_group
UPDATE recipient_group SET recipient_count = %(count)s WHERE id = %(group_id)s;

-- name: duplicates
-- What the dedupe left out, with the line that won.
SELECT s.line, s.address, r.position AS first_line
FROM recipient_stage s JOIN recipient r ON r.group_id = %(group_id)s AND r.address_key = s.address_key
WHERE r.position <> s.line ORDER BY s.line;

-- name: sample
SELECT position, address, "values" FROM recipient
WHERE group_id = %(group_id)s AND (%(address_key)s::text IS NULL OR address_key = %(address_key)s)
ORDER BY position LIMIT %(limit)s;

-- name: tasks_of_group
SELECT name, template, subject, unsubscribe_url, cancelled_at, finished_at FROM send_task
WHERE group_id = %(group_id)s AND deleted_at IS NULL AND type <> 'test' ORDER BY id;

-- name: let_go_of_group
-- A deleted task keeps its ledger, which names every address, and so needs the group no more.
UPDATE send_task SET group_id = NULL WHERE group_id = %(group_id)s AND deleted_at IS NOT NULL;

-- name: delete_group
DELETE FROM recipient_group WHERE id = %(group_id)s;

-- name: suppressed_of_group
SELECT count(*)::int AS count FROM recipient r JOIN suppression s ON s.address_key = r.address_key
WHERE r.group_id = %(group_id)s AND (s.expires_at IS NULL OR s.expires_at > now());
