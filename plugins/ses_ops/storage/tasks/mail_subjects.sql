-- name: mail_subjects
-- What the subject of each task's mail is made of. The values are looked up only where no subject is kept: one row by
-- the index on (group_id, position).
SELECT t.id, t.template, t.subject, t.advertisement, t.unsubscribe_url, t.first_subject, f."values"
FROM send_task t
LEFT JOIN LATERAL (
    SELECT r."values" FROM recipient r
    WHERE t.first_subject IS NULL AND r.group_id = t.group_id ORDER BY r.position LIMIT 1
) f ON true
WHERE t.deleted_at IS NULL AND t.listed;

-- name: first_values
SELECT "values" FROM message WHERE occurrence_id = %(occurrence_id)s ORDER BY seq LIMIT 1;

-- name: keep_first_subject
UPDATE send_task SET first_subject = %(first_subject)s WHERE id = %(task_id)s;
