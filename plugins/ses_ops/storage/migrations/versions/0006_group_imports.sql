-- One row an upload: any of several API servers can tell how far it is, stop it, and hand out its report.
CREATE TABLE group_import (
    id              uuid PRIMARY KEY,
    -- By name: a new group exists only when its import is done.
    group_name      text NOT NULL,
    file_name       text NOT NULL,
    -- As the browser says; NULL when it says nothing.
    file_bytes      bigint,
    started_by      text NOT NULL,
    started_at      timestamptz NOT NULL DEFAULT now(),
    state           text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'imported', 'failed', 'stopped')),
    -- Written all the time while it runs: an old one tells that its process is gone.
    seen_at         timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz,
    -- Who asked that it be stopped.
    stopped_by      text,
    bytes_read      bigint NOT NULL DEFAULT 0,
    rows_stored     integer NOT NULL DEFAULT 0,
    rows_rejected   integer NOT NULL DEFAULT 0,
    -- Of one that is done.
    created         boolean,
    recipient_count integer,
    variables       text[],
    -- Rows left out by kind of reason, most first: [["bad address", 3], ...].
    rejected        jsonb NOT NULL DEFAULT '[]',
    -- Of one that failed: the fault (audience/csv/faults.py) with its facts, and the reason in English.
    fault           text,
    facts           jsonb NOT NULL DEFAULT '{}',
    problem         text,
    -- Rows in the report; it ends where it would become too large for a row of a table.
    report_rows     integer NOT NULL DEFAULT 0,
    -- A CSV file, gzip.
    report          bytea
);
CREATE INDEX group_import_of_group ON group_import (group_name, started_at DESC);
CREATE INDEX group_import_started ON group_import (started_at);
-- It is compressed already.
ALTER TABLE group_import ALTER COLUMN report SET STORAGE EXTERNAL;
