-- name: begin_import
-- Nothing when the id is known: the same form was sent twice.
INSERT INTO import_run (id, group_name, file_name, file_bytes, started_by)
VALUES (%(id)s, %(group)s, %(file_name)s, %(file_bytes)s, %(by)s)
ON CONFLICT (id) DO NOTHING;

-- name: running_imports
SELECT id::text, started_by, started_at FROM import_run
WHERE group_name = %(group)s AND state = 'running' AND seen_at > now() - make_interval(secs => %(lost_after)s)
ORDER BY started_at;

-- name: note_progress
UPDATE import_run SET seen_at = now(), bytes_read = %(bytes_read)s, rows_stored = %(rows_stored)s,
    rows_rejected = %(rows_rejected)s
WHERE id = %(id)s AND state = 'running'
RETURNING stopped_by;

-- name: note_imported
-- In the transaction of the import itself: either both are there, or neither.
UPDATE import_run SET state = 'imported', seen_at = now(), ended_at = clock_timestamp(), bytes_read = %(bytes_read)s,
    rows_stored = %(rows_stored)s, rows_rejected = %(rows_rejected)s, created = %(created)s,
    recipient_count = %(recipient_count)s, variables = %(variables)s, rejected = %(rejected)s,
    report_rows = %(report_rows)s, report = %(report)s, appended = %(appended)s, added_count = %(added_count)s,
    encoding = %(encoding)s, renamed = %(renamed)s, doubtful_count = %(doubtful_count)s, doubtful = %(doubtful)s
WHERE id = %(id)s;

-- name: note_failed
UPDATE import_run SET state = %(state)s, seen_at = now(), ended_at = clock_timestamp(), bytes_read = %(bytes_read)s,
    rows_stored = %(rows_stored)s, rows_rejected = %(rows_rejected)s, rejected = %(rejected)s,
    fault = %(fault)s, facts = %(facts)s, problem = %(problem)s, report_rows = %(report_rows)s, report = %(report)s
WHERE id = %(id)s;

-- name: ask_to_stop
UPDATE import_run SET stopped_by = coalesce(stopped_by, %(by)s) WHERE id = %(id)s AND state = 'running';

-- name: find_import
SELECT id::text, group_name, file_name, file_bytes, started_by, started_at, ended_at, stopped_by, bytes_read,
    rows_stored, rows_rejected, created, recipient_count, variables, rejected, fault, facts, problem, report_rows,
    appended, added_count, encoding, renamed, doubtful_count, doubtful,
    CASE WHEN state = 'running' AND seen_at < now() - make_interval(secs => %(lost_after)s) THEN 'lost' ELSE state END
    AS state
FROM import_run WHERE id = %(id)s;

-- name: imports_of_group
SELECT id::text, group_name, file_name, file_bytes, started_by, started_at, ended_at, stopped_by, bytes_read,
    rows_stored, rows_rejected, created, recipient_count, variables, rejected, fault, facts, problem, report_rows,
    appended, added_count, encoding, renamed, doubtful_count, doubtful,
    CASE WHEN state = 'running' AND seen_at < now() - make_interval(secs => %(lost_after)s) THEN 'lost' ELSE state END
    AS state
FROM import_run WHERE group_name = %(group)s ORDER BY started_at DESC LIMIT %(limit)s;

-- name: suppression_imports
-- Those that left rows out.
SELECT id::text, group_name, file_name, file_bytes, started_by, started_at, ended_at, stopped_by, bytes_read,
    rows_stored, rows_rejected, created, recipient_count, variables, rejected, fault, facts, problem, report_rows,
    appended, added_count, encoding, renamed, doubtful_count, doubtful,
    CASE WHEN state = 'running' AND seen_at < now() - make_interval(secs => %(lost_after)s) THEN 'lost' ELSE state END
    AS state
FROM import_run WHERE group_name IS NULL AND rejected <> '[]' ORDER BY started_at DESC LIMIT %(limit)s;

-- name: report
SELECT report FROM import_run WHERE id = %(id)s;

-- name: forget_old
DELETE FROM import_run WHERE started_at < now() - make_interval(days => %(days)s);

-- name: forget_group
DELETE FROM import_run WHERE group_name = %(group)s AND state <> 'running';
