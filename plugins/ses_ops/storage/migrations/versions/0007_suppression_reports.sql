-- One row an import of the console that left rows out.
CREATE TABLE suppression_report (
    id            uuid PRIMARY KEY,
    file_name     text NOT NULL,
    made_by       text NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now(),
    -- Rows that could be used, and addresses that are new on the list or stay on it longer. No row: nothing was imported.
    read_count    integer NOT NULL,
    changed_count integer NOT NULL,
    -- Rows left out by kind of reason, most first: [["bad address", 3], ...].
    rejected      jsonb NOT NULL,
    -- Rows in the report; it ends where it would become too large for a row of a table.
    report_rows   integer NOT NULL,
    -- A CSV file, gzip.
    report        bytea NOT NULL
);
CREATE INDEX suppression_report_made ON suppression_report (made_at);
-- It is compressed already.
ALTER TABLE suppression_report ALTER COLUMN report SET STORAGE EXTERNAL;
