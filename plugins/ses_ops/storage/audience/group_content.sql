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
