-- Imports into groups and into the suppression list were two tables; both read a file, leave rows out and keep a report.
ALTER TABLE group_import RENAME TO import_run;
ALTER TABLE import_run RENAME CONSTRAINT group_import_pkey TO import_run_pkey;
ALTER TABLE import_run RENAME CONSTRAINT group_import_state_check TO import_run_state_check;
ALTER INDEX group_import_of_group RENAME TO import_run_of_group;
ALTER INDEX group_import_started RENAME TO import_run_started;
-- NULL: into the suppression list.
ALTER TABLE import_run ALTER COLUMN group_name DROP NOT NULL;

-- Rows that could be used are those that were stored; `added_count` has the addresses that are new on the list or stay on
-- it longer. An import without a usable row was kept for its report alone. A report keeps its id, and so its address.
INSERT INTO import_run (id, file_name, started_by, started_at, seen_at, ended_at, state, rows_stored, rows_rejected,
                        added_count, rejected, report_rows, report)
SELECT id, file_name, made_by, made_at, made_at, made_at, CASE WHEN read_count > 0 THEN 'imported' ELSE 'failed' END,
       read_count,
       (SELECT least(coalesce(sum((one ->> 1)::bigint), 0), 2147483647)::int
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(rejected) = 'array' THEN rejected ELSE '[]' END) one
        WHERE one ->> 1 ~ '^[0-9]{1,9}$'),
       changed_count, rejected, report_rows, report
FROM suppression_report
ON CONFLICT (id) DO NOTHING;
DROP TABLE suppression_report;
