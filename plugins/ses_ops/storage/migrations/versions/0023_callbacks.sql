-- Where events are posted to: an address of the user's own.
CREATE TABLE callback_endpoint (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL,
    -- It may have a secret in it (the format `tencent` has no signature), so no page, log or answer shows all of it.
    url           text NOT NULL,
    -- NULL: events of all sender domains.
    sender_domain text,
    -- `native` (Standard Webhooks, signed) or `tencent` (one JSON object as the reference posts it).
    format        text NOT NULL CHECK (format IN ('native', 'tencent')),
    -- Kinds of events that are posted; empty: all.
    kinds         text[] NOT NULL DEFAULT '{}',
    -- Posts at once, and posts begun in a second.
    concurrency   smallint NOT NULL DEFAULT 16 CHECK (concurrency BETWEEN 1 AND 100),
    per_second    integer NOT NULL DEFAULT 1000 CHECK (per_second BETWEEN 1 AND 10000),
    -- Signs what is posted. Beside the ledger like the secrets of tokens: whoever reads this table has the events too.
    secret        bytea NOT NULL,
    -- The one before signs as well until then.
    former_secret bytea,
    former_until  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text,
    -- A person's switch, and what the deliverer found: since when every post has failed, and since when it is off for that.
    paused_at     timestamptz,
    failing_since timestamptz,
    last_success_at timestamptz,
    stopped_at    timestamptz,
    stopped_why   text,
    stopped_why_explained jsonb,
    deleted_at    timestamptz
);
CREATE UNIQUE INDEX callback_endpoint_name ON callback_endpoint (name) WHERE deleted_at IS NULL;

-- Events that wait to be posted, a row an event and endpoint, written in the transaction of the event. It has keys and no
-- person's data: what is posted is read when it is posted. Rows come and go all the time.
CREATE TABLE callback_waiting (
    -- The order in which events of one message are posted.
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id   bigint NOT NULL,
    -- The event, and the id of the post: the same at every try.
    event_key     uuid NOT NULL,
    occurred_at   timestamptz NOT NULL,
    occurrence_id bigint NOT NULL,
    seq           integer NOT NULL,
    -- A kind of event, `refused` (by a server while it was sent) or `test`.
    kind          text NOT NULL,
    entered_at    timestamptz NOT NULL DEFAULT now(),
    -- When it may be posted; while a deliverer has it, when another one may take it.
    next_at       timestamptz NOT NULL DEFAULT now(),
    -- Number of the last deliverer that took it: one whose time is over cannot write a failure any more.
    lease         integer NOT NULL DEFAULT 0,
    tries         smallint NOT NULL DEFAULT 0,
    last_status   smallint,
    last_answer   text NOT NULL DEFAULT ''
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
CREATE UNIQUE INDEX callback_waiting_event ON callback_waiting (endpoint_id, event_key);
CREATE INDEX callback_waiting_due ON callback_waiting (endpoint_id, next_at, id);
CREATE INDEX callback_waiting_of_message ON callback_waiting (endpoint_id, occurrence_id, seq, id);

-- What was posted, or has expired: insert-only, a partition a day, dropped after some days.
CREATE TABLE callback_delivery (
    endpoint_id   bigint NOT NULL,
    event_key     uuid NOT NULL,
    occurred_at   timestamptz NOT NULL,
    occurrence_id bigint NOT NULL,
    seq           integer NOT NULL,
    kind          text NOT NULL,
    entered_at    timestamptz NOT NULL,
    ended_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- `delivered`; `failed` after the last try; `expired`, when it waited for too long; `gone`, when its message or
    -- event is not there any more.
    outcome       text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'expired', 'gone')),
    tries         smallint NOT NULL,
    -- The HTTP status of the last try, or NULL and in `answer` why there is none; else the first characters of the answer.
    status        smallint,
    answer        text NOT NULL DEFAULT '',
    -- Milliseconds that the last try took.
    took_ms       integer NOT NULL DEFAULT 0
) PARTITION BY RANGE (ended_at);
CREATE INDEX callback_delivery_of_endpoint ON callback_delivery (endpoint_id, ended_at);
CREATE INDEX callback_delivery_of_message ON callback_delivery (occurrence_id, seq);
CREATE TABLE callback_delivery_default PARTITION OF callback_delivery DEFAULT;

-- Makes the partitions of this day (in UTC) and the next, and drops those that ended more than `kept` days ago.
CREATE FUNCTION keep_callback_days(kept integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    made text;
    old text;
    changed integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7368, 1);
    FOR ahead IN 0..1 LOOP
        made := 'callback_delivery_' || to_char(today + ahead, 'YYYY_MM_DD');
        IF to_regclass(made) IS NULL THEN
            LOCK TABLE callback_delivery IN ACCESS EXCLUSIVE MODE;
            EXECUTE 'CREATE TABLE ' || made || ' (LIKE callback_delivery INCLUDING ALL)';
            EXECUTE 'WITH moved AS (DELETE FROM callback_delivery_default WHERE ended_at >= $1 AND ended_at < $2 RETURNING *)'
                    ' INSERT INTO ' || made || ' SELECT * FROM moved'
                USING (today + ahead)::timestamp AT TIME ZONE 'UTC', (today + ahead + 1)::timestamp AT TIME ZONE 'UTC';
            EXECUTE 'ALTER TABLE callback_delivery ATTACH PARTITION ' || made || ' FOR VALUES FROM ('
                    || quote_literal((today + ahead)::timestamp AT TIME ZONE 'UTC') || ') TO ('
                    || quote_literal((today + ahead + 1)::timestamp AT TIME ZONE 'UTC') || ')';
            changed := changed + 1;
        END IF;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'callback_delivery'::regclass AND c.relname ~ '^callback_delivery_\d{4}_\d{2}_\d{2}$'
          AND c.relname < 'callback_delivery_' || to_char(today - kept, 'YYYY_MM_DD')
    LOOP
        EXECUTE 'DROP TABLE ' || old;
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END $$;

-- Processes that post, by a name of their own, and when each was last alive.
CREATE TABLE callback_deliverer (
    name    text PRIMARY KEY,
    host    text NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT now()
);

-- The Airflow run that told the asset `ses://send-task/<name>` of the end of an occurrence; NULL: none yet; '': it is told.
ALTER TABLE occurrence ADD COLUMN announced_by text;
-- What had ended before there was an asset is not news.
UPDATE occurrence SET announced_by = '' WHERE finished_at IS NOT NULL;
CREATE INDEX occurrence_not_announced ON occurrence (finished_at, id) WHERE finished_at IS NOT NULL AND announced_by IS DISTINCT FROM '';
