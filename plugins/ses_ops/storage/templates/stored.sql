-- name: insert
-- Its version is behind that of any earlier template of the name, so that name and version say which text was sent.
INSERT INTO stored_template (name, title, version, created_by)
SELECT %(name)s, %(title)s, coalesce(max(version), 0) + 1, %(by)s FROM stored_template WHERE name = %(name)s
RETURNING id, version;

-- name: rename
UPDATE stored_template SET name = %(name)s WHERE id = %(id)s;

-- name: write_version
INSERT INTO stored_template_version (template_id, version, subject, text, html, written_by)
VALUES (%(id)s, %(version)s, %(subject)s, %(text)s, %(html)s, %(by)s);

-- name: set_newest
UPDATE stored_template SET version = %(version)s, title = %(title)s WHERE id = %(id)s;

-- name: lock
SELECT id FROM stored_template WHERE id = %(id)s AND deleted_at IS NULL FOR UPDATE;

-- name: newest
-- By name, or by number.
SELECT t.id, t.name, t.title, v.version, v.subject, v.text, v.html, t.created_at, t.created_by, v.written_at, v.written_by
FROM stored_template t JOIN stored_template_version v ON v.template_id = t.id AND v.version = t.version
WHERE t.deleted_at IS NULL AND (t.name = %(name)s OR t.id = %(id)s) ORDER BY t.id LIMIT 1;

-- name: of_version
-- Also of a template that was deleted: mail that was accepted before has to be made.
SELECT t.id, t.name, t.title, v.version, v.subject, v.text, v.html, t.created_at, t.created_by, v.written_at, v.written_by
FROM stored_template t JOIN stored_template_version v ON v.template_id = t.id
WHERE t.name = %(name)s AND v.version = %(version)s;

-- name: newest_versions
-- What a process has to compare its compiled templates with.
SELECT name, version FROM stored_template WHERE deleted_at IS NULL;

-- name: names
SELECT name FROM stored_template WHERE deleted_at IS NULL ORDER BY name;

-- name: listed
SELECT t.id, t.name, t.title, t.version, v.subject, v.text IS NOT NULL AS has_text, v.html IS NOT NULL AS has_html,
       octet_length(coalesce(v.subject, '')) + octet_length(coalesce(v.text, '')) + octet_length(coalesce(v.html, ''))
           AS size,
       t.created_at, t.created_by, v.written_at, v.written_by
FROM stored_template t JOIN stored_template_version v ON v.template_id = t.id AND v.version = t.version
WHERE t.deleted_at IS NULL AND (%(after)s::bigint IS NULL OR t.id > %(after)s)
ORDER BY t.id OFFSET %(offset)s LIMIT %(limit)s;

-- name: count
SELECT count(*)::int FROM stored_template WHERE deleted_at IS NULL;

-- name: versions
SELECT version, subject, text, html, written_at, written_by FROM stored_template_version
WHERE template_id = %(id)s ORDER BY version DESC;

-- name: delete
UPDATE stored_template SET deleted_at = now() WHERE id = %(id)s AND deleted_at IS NULL;

-- name: unfinished_tasks
-- Send tasks that would stop without the template.
SELECT name FROM send_task
WHERE template = %(name)s AND deleted_at IS NULL AND cancelled_at IS NULL AND finished_at IS NULL AND listed
ORDER BY name;
