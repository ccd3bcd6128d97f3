-- Keys of programs. Its secret is here twice: as a hash for `Authorization: Bearer`, and encrypted with Airflow's Fernet
-- key, because a signature (TC3) can only be verified with the secret itself.
CREATE TABLE api_key (
    -- The public part, `AKID` and letters and digits: SecretId of the reference.
    id            text PRIMARY KEY,
    name          text NOT NULL,
    -- Of `send`, `read`, `manage` (which holds the other two).
    scopes        text[] NOT NULL CHECK (scopes <@ ARRAY['send', 'read', 'manage'] AND scopes <> '{}'),
    -- Sender domains it may use; `*` alone: every one.
    domains       text[] NOT NULL CHECK (domains <> '{}'),
    secret_hash   bytea NOT NULL,
    secret_box    bytea NOT NULL,
    -- Requests a second; NULL: as SES_API_PER_SECOND says.
    per_second    integer CHECK (per_second BETWEEN 1 AND 100000),
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text NOT NULL DEFAULT '',
    -- Written at most once a minute.
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    revoked_by    text
);
CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL;

-- What processes without Airflow need of Airflow: the quota Variable and the mail server's connection, as
-- `ses_maintenance`, a form, or a command that asked Airflow last saw them. `value` is encrypted with Airflow's Fernet key.
CREATE TABLE airflow_copy (
    name       text PRIMARY KEY,
    value      bytea NOT NULL,
    copied_at  timestamptz NOT NULL DEFAULT now()
);

-- What a process without Airflow asks of it; `ses_maintenance` does it within a minute.
CREATE TABLE airflow_request (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL,
    -- A send task, or a sender domain.
    subject    text NOT NULL,
    facts      jsonb NOT NULL DEFAULT '{}',
    asked_at   timestamptz NOT NULL DEFAULT now(),
    asked_by   text NOT NULL DEFAULT '',
    done_at    timestamptz,
    -- Why it could not be done.
    problem    text
);
CREATE INDEX airflow_request_open ON airflow_request (id) WHERE done_at IS NULL;

-- A single message's mail is in the ledger as rows of an occurrence that its process has for its sender domain: a send
-- task of type `api` a sender domain, an occurrence of it a process, chunks of that one after another.
ALTER TABLE send_task DROP CONSTRAINT send_task_type_check;
ALTER TABLE send_task ADD CONSTRAINT send_task_type_check
    CHECK (type IN ('immediate', 'scheduled', 'recurring', 'triggered', 'test', 'api'));
ALTER TABLE send_task DROP CONSTRAINT send_task_has_group;
ALTER TABLE send_task ADD CONSTRAINT send_task_has_group
    CHECK (type IN ('test', 'api') OR group_id IS NOT NULL OR deleted_at IS NOT NULL);
-- Facts of the kind: whether a person made it and sees it in lists, and whether its mail counts in rates.
ALTER TABLE send_task ADD COLUMN listed boolean NOT NULL GENERATED ALWAYS AS (type NOT IN ('test', 'api')) STORED,
    ADD COLUMN counted boolean NOT NULL GENERATED ALWAYS AS (type <> 'test') STORED;

-- Of `reserved` and `used`: what single messages took. Bulk mail leaves the rest of their share (trigger_share) alone.
ALTER TABLE quota_day ADD COLUMN single integer NOT NULL DEFAULT 0 CHECK (single >= 0);

-- One message as it was asked for: one or more recipients, a ledger row each, beside each other.
CREATE TABLE single_message (
    -- Of version 7 (RFC 9562): new ones stand at the end of the index.
    id             uuid PRIMARY KEY,
    -- The Message-ID that the reference's clients got; NULL for a native one.
    reference_id   text,
    key_id         text NOT NULL,
    -- `rest`, `tencent`, `console`.
    source         text NOT NULL,
    sender_domain  text NOT NULL,
    sender         text NOT NULL,
    -- As asked for, perhaps with variables in it.
    subject        text NOT NULL,
    template       text,
    template_version integer,
    -- The user's own name for it, and what it is about.
    reference      text,
    tags           text[] NOT NULL DEFAULT '{}',
    recipient_count smallint NOT NULL,
    -- Of these, the last ones: `cc` and behind it `bcc`; the others are `to`.
    cc_count       smallint NOT NULL DEFAULT 0,
    bcc_count      smallint NOT NULL DEFAULT 0,
    -- Keys of the recipients' addresses in their order, of a message that did not leave at once; the ledger has the others.
    address_keys   text[] NOT NULL DEFAULT '{}',
    accepted_at    timestamptz NOT NULL DEFAULT now(),
    -- NULL: at once.
    send_at        timestamptz,
    -- Its rows of the ledger: `first_seq` and the `recipient_count - 1` after it. NULL: not yet (send_at), or never.
    occurrence_id  bigint,
    first_seq      integer,
    -- Until it has rows: taken by nobody before this moment, and by whom until when.
    due_at         timestamptz,
    -- Why it was never sent to anybody, when its time came: a code, its facts. Or that somebody cancelled it.
    refused        jsonb,
    cancelled_at   timestamptz,
    -- The message that this one repeats.
    repeats        uuid
);
CREATE INDEX single_message_rows ON single_message (occurrence_id, first_seq) WHERE occurrence_id IS NOT NULL;
CREATE INDEX single_message_due ON single_message (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX single_message_reference ON single_message (reference, key_id) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX single_message_reference_id ON single_message (reference_id) WHERE reference_id IS NOT NULL;
CREATE INDEX single_message_newest ON single_message (sender_domain, accepted_at DESC, id DESC);
CREATE INDEX single_message_tags ON single_message USING gin (tags) WHERE tags <> '{}';
CREATE INDEX single_message_repeats ON single_message (repeats) WHERE repeats IS NOT NULL;
CREATE INDEX single_message_address_keys ON single_message USING gin (address_keys) WHERE address_keys <> '{}';

-- What it says, for as long as it may have to be made anew (a dead process, send_at, a deferral) or be sent again by a
-- person: a partition a day of `accepted_at`, dropped after SES_API_CONTENT_DAYS.
CREATE TABLE single_message_content (
    message_id  uuid NOT NULL,
    accepted_at timestamptz NOT NULL,
    -- domain/single_message.py: SingleMessage.stored
    content     bytea NOT NULL,
    PRIMARY KEY (message_id, accepted_at)
) PARTITION BY RANGE (accepted_at);
CREATE TABLE single_message_content_default PARTITION OF single_message_content DEFAULT;

-- Requests with a key of their own (Idempotency-Key), a partition a day. No body is kept, only its hash.
CREATE TABLE idempotent_request (
    key_id      text NOT NULL,
    idempotency_key text NOT NULL,
    -- Of method, path and canonical body.
    fingerprint bytea NOT NULL,
    began_at    timestamptz NOT NULL DEFAULT now(),
    kept_until  timestamptz NOT NULL,
    -- The first answer: status and what it is made of. It has no body of a message.
    status      smallint NOT NULL,
    answer      jsonb NOT NULL,
    PRIMARY KEY (key_id, idempotency_key, began_at)
) PARTITION BY RANGE (began_at);
CREATE TABLE idempotent_request_default PARTITION OF idempotent_request DEFAULT;

-- Of each request with a key of its own: whether this transaction holds it, and what an equal one was answered. A key that
-- another transaction holds is not waited for. The first statement takes the locks, and only the second one, which sees
-- what is committed by then, looks: so a key that is held and has no answer has none.
CREATE FUNCTION hold_idempotency_keys(key_ids text[], keys text[])
    RETURNS TABLE (held boolean, fingerprint bytea, status smallint, answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
    holds boolean[] := ARRAY(SELECT pg_try_advisory_xact_lock(hashtextextended(k.key_id || ' ' || k.key, 7372))
                             FROM unnest(key_ids, keys) WITH ORDINALITY AS k (key_id, key, place) ORDER BY k.place);
BEGIN
    RETURN QUERY SELECT holds[k.place], r.fingerprint, r.status, r.answer
    FROM unnest(key_ids, keys) WITH ORDINALITY AS k (key_id, key, place)
    LEFT JOIN LATERAL (
        SELECT i.fingerprint, i.status, i.answer FROM idempotent_request i
        WHERE i.key_id = k.key_id AND i.idempotency_key = k.key AND i.kept_until > clock_timestamp()
        ORDER BY i.began_at DESC LIMIT 1
    ) r ON true
    ORDER BY k.place;
END $$;

-- Makes the partitions of this day (in UTC) and the next of a table by day, and drops those that ended more than `kept`
-- days ago. Returns the number of tables made and dropped.
CREATE FUNCTION keep_days(parent text, by_column text, kept integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    made text;
    old text;
    changed integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7368, 2);
    FOR ahead IN 0..1 LOOP
        made := parent || '_' || to_char(today + ahead, 'YYYY_MM_DD');
        IF to_regclass(made) IS NULL THEN
            EXECUTE 'LOCK TABLE ' || parent || ' IN ACCESS EXCLUSIVE MODE';
            EXECUTE 'CREATE TABLE ' || made || ' (LIKE ' || parent || ' INCLUDING ALL)';
            EXECUTE 'WITH moved AS (DELETE FROM ' || parent || '_default WHERE ' || by_column || ' >= $1 AND ' || by_column
                    || ' < $2 RETURNING *) INSERT INTO ' || made || ' SELECT * FROM moved'
                USING (today + ahead)::timestamp AT TIME ZONE 'UTC', (today + ahead + 1)::timestamp AT TIME ZONE 'UTC';
            EXECUTE 'ALTER TABLE ' || parent || ' ATTACH PARTITION ' || made || ' FOR VALUES FROM ('
                    || quote_literal((today + ahead)::timestamp AT TIME ZONE 'UTC') || ') TO ('
                    || quote_literal((today + ahead + 1)::timestamp AT TIME ZONE 'UTC') || ')';
            changed := changed + 1;
        END IF;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = parent::regclass AND c.relname ~ ('^' || parent || '_\d{4}_\d{2}_\d{2}$')
          AND c.relname < parent || '_' || to_char(today - kept, 'YYYY_MM_DD')
    LOOP
        EXECUTE 'DROP TABLE ' || old;
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END $$;

-- The last moments at which an address was given a single message of a sender domain, for the limit an hour. Lost with a
-- crash of the server, which then counts from nought.
CREATE UNLOGGED TABLE address_rate (
    address_key   text NOT NULL,
    sender_domain text NOT NULL,
    moments       timestamptz[] NOT NULL,
    PRIMARY KEY (address_key, sender_domain)
) WITH (fillfactor = 70);

-- A chunk of single messages is open before the first of them is in it.
ALTER TABLE chunk DROP CONSTRAINT chunk_check;
ALTER TABLE chunk ADD CONSTRAINT chunk_check CHECK (first_seq <= last_seq + 1);

-- Processes that take and send single messages; each holds an advisory lock of its own for as long as it lives.
CREATE TABLE single_message_process (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    host       text NOT NULL,
    pid        integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at    timestamptz NOT NULL DEFAULT now(),
    -- Messages a second that it begins, as of the last beat: bulk mail leaves them their part of a rate limit.
    rate       real NOT NULL DEFAULT 0,
    -- Whether the mail server lets none of its connections in: bulk mail leaves it one.
    turned_away boolean NOT NULL DEFAULT false,
    ended_at   timestamptz
);
CREATE INDEX single_message_process_not_ended ON single_message_process (id) WHERE ended_at IS NULL;

-- Templates that were made by the API, beside those of the folder. A name of a folder's template wins.
CREATE TABLE stored_template (
    -- The number of the reference's API.
    id          bigint GENERATED ALWAYS AS IDENTITY (START WITH 100001) PRIMARY KEY,
    -- As a folder may be named: what send tasks and messages name it by.
    name        text NOT NULL,
    -- As a client called it.
    title       text NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL DEFAULT '',
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX stored_template_name ON stored_template (name) WHERE deleted_at IS NULL;
CREATE TABLE stored_template_version (
    template_id bigint NOT NULL REFERENCES stored_template,
    version     integer NOT NULL,
    subject     text,
    text        text,
    html        text,
    written_at  timestamptz NOT NULL DEFAULT now(),
    written_by  text NOT NULL DEFAULT '',
    PRIMARY KEY (template_id, version)
);

-- What the reference's API keeps and this installation has no other place for.
CREATE TABLE reference_identity (
    domain      text PRIMARY KEY,
    dkim_option smallint NOT NULL DEFAULT 0,
    tags        jsonb NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL DEFAULT ''
);
CREATE TABLE reference_sender (
    address     text PRIMARY KEY,
    sender_name text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    smtp_password_set boolean NOT NULL DEFAULT false
);
CREATE TABLE reference_unsubscribe (
    address     text PRIMARY KEY,
    -- "0" to "10", a text as there.
    config      text NOT NULL,
    status      smallint NOT NULL
);
-- A recipient group may be called anything there.
CREATE TABLE reference_receiver (
    group_id bigint PRIMARY KEY REFERENCES recipient_group ON DELETE CASCADE,
    title    text NOT NULL
);
CREATE INDEX reference_receiver_title ON reference_receiver (title);
-- What BatchSendEmail was given for a send task: its template, and values that are the same for all recipients. Templates
-- into which such values were filled are in no list there.
CREATE TABLE reference_task (
    task_id       bigint PRIMARY KEY REFERENCES send_task ON DELETE CASCADE,
    template_id   bigint,
    template_data text NOT NULL DEFAULT ''
);
CREATE TABLE reference_filled_template (
    template_id bigint PRIMARY KEY REFERENCES stored_template ON DELETE CASCADE
);
-- An entry of the suppression list has a number there.
ALTER TABLE suppression ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX suppression_number ON suppression (number);

-- Programs poll events by their arrival.
CREATE INDEX message_event_arrived ON message_event (received_at, event_key);
CREATE INDEX engagement_arrived ON engagement (received_at, event_key);
