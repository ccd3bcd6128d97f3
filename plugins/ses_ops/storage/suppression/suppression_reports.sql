-- name: add_report
INSERT INTO suppression_report (id, file_name, made_by, read_count, changed_count, rejected, report_rows, report)
VALUES (%(id)s, %(file_name)s, %(by)s, %(read)s, %(changed)s, %(rejected)s, %(report_rows)s, %(report)s);

-- name: reports
SELECT id::text, file_name, made_by, made_at, read_count, changed_count, rejected, report_rows
FROM suppression_report WHERE %(id)s::uuid IS NULL OR id = %(id)s ORDER BY made_at DESC LIMIT %(limit)s;

-- name: report
SELECT report FROM suppression_report WHERE id = %(id)s;

-- name: forget_old
DELETE FROM suppression_report WHERE made_at < now() - make_interval(days => %(days)s);
