-- name: note_task
INSERT INTO reference_task (task_id, template_id, template_data)
SELECT id, %(template_id)s, %(template_data)s FROM send_task WHERE name = %(name)s AND deleted_at IS NULL
ON CONFLICT (task_id) DO NOTHING;

-- name: task_id
SELECT id FROM send_task WHERE name = %(name)s AND deleted_at IS NULL;

-- name: facts
-- Of some tasks what their lines have there beside the overview: the group, and the template as it was given, else the
-- stored one that a task names.
SELECT t.id, t.group_id, coalesce(v.title, g.name, '') AS title, t.reply_to,
       coalesce(r.template_id, p.id) AS template_id, coalesce(r.template_data, '') AS template_data
FROM send_task t
LEFT JOIN recipient_group g ON g.id = t.group_id
LEFT JOIN reference_receiver v ON v.group_id = t.group_id
LEFT JOIN reference_task r ON r.task_id = t.id
LEFT JOIN stored_template p ON p.name = t.template AND p.deleted_at IS NULL
WHERE t.id = ANY(%(ids)s);

-- name: note_filled
INSERT INTO reference_filled_template (template_id) VALUES (%(template_id)s) ON CONFLICT DO NOTHING;

-- name: templates
-- The stored ones, the newest first, and their number; without those that were made for one task.
SELECT t.id, t.title, t.created_at, count(*) OVER ()::int AS total
FROM stored_template t
WHERE t.deleted_at IS NULL AND NOT EXISTS (SELECT FROM reference_filled_template f WHERE f.template_id = t.id)
ORDER BY t.id DESC OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_templates
SELECT count(*)::int FROM stored_template t
WHERE t.deleted_at IS NULL AND NOT EXISTS (SELECT FROM reference_filled_template f WHERE f.template_id = t.id);
