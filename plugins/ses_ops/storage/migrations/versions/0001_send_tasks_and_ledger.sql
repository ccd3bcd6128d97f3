-- One row: what makes message ids of this installation different from those of every other.
CREATE TABLE installation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id         text NOT NULL DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE recipient_group (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE,
    description     text NOT NULL DEFAULT '',
    -- Names of the variables that every recipient has a value for.
    variables       text[] NOT NULL,
    recipient_count integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE recipient (
    group_id    bigint NOT NULL REFERENCES recipient_group ON DELETE CASCADE,
    -- The order of the file that it came from.
    position    integer NOT NULL,
    address     text NOT NULL,
    -- The normalised address: one recipient a key and group, and what suppression is looked up by.
    address_key text NOT NULL,
    "values"    jsonb NOT NULL,
    PRIMARY KEY (group_id, address_key)
);

CREATE TABLE suppression (
    address_key text PRIMARY KEY,
    address     text NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('hard_bounce', 'complaint', 'unsubscribe', 'manual')),
    note        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz
);

CREATE TABLE send_task (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL,
    type            text NOT NULL CHECK (type IN ('immediate', 'scheduled', 'recurring', 'triggered', 'test')),
    template        text NOT NULL,
    subject         text,
    sender          text NOT NULL,
    sender_domain   text NOT NULL,
    group_id        bigint REFERENCES recipient_group,
    start_at        timestamptz,
    time_zone       text NOT NULL,
    every           text,
    cron            text,
    until           timestamptz,
    reply_to        text,
    unsubscribe_url text,
    advertisement   text NOT NULL DEFAULT 'none',
    start_grace     interval NOT NULL DEFAULT '1 hour',
    on_unknown      text NOT NULL DEFAULT 'hold' CHECK (on_unknown IN ('hold', 'resend')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    -- A person's pause, by `ses task pause` or by the DAG's switch.
    paused_at       timestamptz,
    paused_reason   text,
    cancelled_at    timestamptz,
    deleted_at      timestamptz,
    finished_at     timestamptz,
    -- Why the task cannot go on until a person has mended something.
    error           text,
    error_at        timestamptz,
    CHECK (type = 'test' OR group_id IS NOT NULL)
);
-- A deleted task keeps its ledger and gives its name free.
CREATE UNIQUE INDEX send_task_name ON send_task (name) WHERE deleted_at IS NULL;

CREATE TABLE occurrence (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id       bigint NOT NULL REFERENCES send_task,
    -- What makes it happen once: see domain/occurrence.py.
    key           text NOT NULL,
    run_id        text NOT NULL,
    logical_at    timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- Why it waits for a person instead of starting.
    held_reason   text,
    -- When its audience was written to the ledger.
    frozen_at     timestamptz,
    request_count integer NOT NULL DEFAULT 0,
    finished_at   timestamptz,
    UNIQUE (task_id, key)
);

CREATE TYPE message_state AS ENUM ('queued', 'requeued', 'sending', 'sent', 'failed', 'suppressed', 'unknown');

-- The ledger: one row a message. No index names `state`, so that an outcome is a heap-only update; the fill factor
-- leaves room for it on the same page.
CREATE TABLE message (
    occurrence_id bigint NOT NULL REFERENCES occurrence,
    -- Its place in the audience, from 1.
    seq           integer NOT NULL,
    state         message_state NOT NULL DEFAULT 'queued',
    tries         smallint NOT NULL DEFAULT 0,
    smtp_code     smallint,
    attempt_id    bigint,
    changed_at    timestamptz,
    address       text NOT NULL,
    address_key   text NOT NULL,
    "values"      jsonb NOT NULL,
    smtp_text     text,
    PRIMARY KEY (occurrence_id, seq)
) WITH (fillfactor = 70);
CREATE INDEX message_address_key ON message (address_key);

CREATE TYPE chunk_state AS ENUM ('cached', 'reserved', 'settled');

-- A range of one occurrence's messages. The chunks of an occurrence cover it without gap or overlap, so its counts
-- are sums over chunks and nobody counts messages.
CREATE TABLE chunk (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    occurrence_id   bigint NOT NULL REFERENCES occurrence,
    task_id         bigint NOT NULL REFERENCES send_task,
    sender_domain   text NOT NULL,
    first_seq       integer NOT NULL,
    last_seq        integer NOT NULL,
    state           chunk_state NOT NULL,
    pending         integer NOT NULL CHECK (pending >= 0),
    sent            integer NOT NULL DEFAULT 0 CHECK (sent >= 0),
    failed          integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    suppressed      integer NOT NULL DEFAULT 0 CHECK (suppressed >= 0),
    unknown         integer NOT NULL DEFAULT 0 CHECK (unknown >= 0),
    -- Committed before the first byte of these messages leaves: `queued` rows up to here may have been sent.
    sending_through integer NOT NULL,
    -- When its mail was first cached: the order of service. NULL: never yet.
    cached_at       timestamptz,
    due_at          timestamptz,
    -- Why it is cached.
    reason          text,
    -- Tries that ended without a word of the quota (server down, temporary refusals): the backoff.
    setbacks        smallint NOT NULL DEFAULT 0,
    run_id          text,
    reserved_at     timestamptz,
    quota_day_id    bigint,
    -- Messages of the quota day that this reservation holds, and what was used when it was made.
    reserved        integer NOT NULL DEFAULT 0,
    used_before     integer NOT NULL DEFAULT 0,
    attempt_id      bigint,
    -- Commits of that attempt: tells whether one happened whose answer was lost with the connection.
    steps           bigint NOT NULL DEFAULT 0,
    CHECK (first_seq <= last_seq),
    CHECK (pending + sent + failed + suppressed + unknown = last_seq - first_seq + 1),
    CHECK (state <> 'settled' OR pending = 0),
    CHECK (state <> 'reserved' OR (run_id IS NOT NULL AND quota_day_id IS NOT NULL))
);
CREATE INDEX chunk_of_task ON chunk (task_id, occurrence_id, first_seq);
CREATE INDEX chunk_waiting ON chunk (sender_domain, cached_at) WHERE state = 'cached';
CREATE INDEX chunk_open ON chunk (run_id) WHERE state = 'reserved';

-- One try of one process at one chunk.
CREATE TABLE attempt (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chunk_id     bigint NOT NULL REFERENCES chunk,
    run_id       text NOT NULL,
    host         text NOT NULL,
    pid          integer NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    ending       text
);
CREATE INDEX attempt_of_chunk ON attempt (chunk_id);
CREATE INDEX attempt_live ON attempt (heartbeat_at) WHERE ended_at IS NULL;

CREATE TABLE sender_domain (
    domain             text PRIMARY KEY,
    -- A rehearsal that names only a date counts its days from its first reservation.
    rehearsal_key      text,
    rehearsal_began_at timestamptz
);

-- The count behind the quota. Locked by whoever reserves: reserved + used never exceeds the allotment.
CREATE TABLE quota_day (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_domain text NOT NULL REFERENCES sender_domain,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    number        integer NOT NULL,
    allotment     integer NOT NULL,
    reserved      integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    used          integer NOT NULL DEFAULT 0 CHECK (used >= 0),
    UNIQUE (sender_domain, starts_at, ends_at)
);
