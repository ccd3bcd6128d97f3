-- name: upsert_group
-- Its row stays locked: imports of one group wait for each other. Tasks can be applied meanwhile.
INSERT INTO recipient_group (name, description, variables, empty_is_missing)
VALUES (%(name)s, coalesce(%(description)s, ''), %(variables)s, coalesce(%(empty_is_missing)s, false))
ON CONFLICT (name) WHERE deleted_at IS NULL DO UPDATE SET
    description = coalesce(%(description)s, recipient_group.description),
    empty_is_missing = coalesce(%(empty_is_missing)s, recipient_group.empty_is_missing)
RETURNING id, (xmax = 0) AS created, empty_is_missing, recipient_count, variables;

-- name: last_line
SELECT coalesce(max(position), 0)::int AS line FROM recipient WHERE group_id = %(group_id)s;

-- name: set_content
UPDATE recipient_group SET recipient_count = %(count)s, variables = %(variables)s, updated_at = now(),
       columns_with_empty_cells = CASE WHEN %(appended)s THEN ARRAY(
           SELECT unnest(columns_with_empty_cells) UNION SELECT unnest(%(with_empty_cells)s::text[])
       ) ELSE %(with_empty_cells)s END,
       columns_saying_no = CASE WHEN %(appended)s THEN ARRAY(
           SELECT unnest(columns_saying_no) UNION SELECT unnest(%(saying_no)s::text[])
       ) ELSE %(saying_no)s END
WHERE id = %(group_id)s;

-- name: plan_for_many
-- Nothing is known yet about the rows just copied: without this the planner might take them for a handful.
SELECT set_config('work_mem', %(work_mem)s, true), set_config('enable_nestloop', 'off', true);

-- name: copy_recipients
COPY recipient (group_id, position, address, address_key, "values") FROM STDIN;

-- name: find_repeated
-- Rows whose address stood in an earlier row. One hash aggregate; the table is empty for a clean file.
CREATE TEMPORARY TABLE repeated_recipient ON COMMIT DROP AS
SELECT r.ctid AS place, r.position AS line, r.address, f.line AS first_line,
       -- For the report, which shows no longer ones.
       CASE WHEN octet_length(r."values"::text) < 32000 THEN r."values" ELSE '{}' END AS "values"
FROM (
    SELECT address_key, min(position) AS line FROM recipient
    WHERE group_id = %(group_id)s GROUP BY address_key HAVING count(*) > 1
) f
JOIN recipient r ON r.group_id = %(group_id)s AND r.address_key = f.address_key AND r.position > f.line;

-- name: remove_repeated
-- The first row of an address stays.
DELETE FROM recipient WHERE ctid IN (SELECT place FROM repeated_recipient);

-- name: repeated
SELECT line, address, "values", first_line FROM repeated_recipient ORDER BY line;

-- name: empty_group
DELETE FROM recipient WHERE group_id = %(group_id)s;
