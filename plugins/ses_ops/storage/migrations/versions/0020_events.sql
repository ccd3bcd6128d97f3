-- Secrets of the tokens in links and bounce addresses: the newest makes them, all are valid for ever (a mail may be
-- years old). They stand beside the ledger, because a backup of one without the other is worth nothing.
CREATE TABLE token_secret (
    id         smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- gen_random_uuid has 122 random bits of the operating system.
    secret     bytea NOT NULL DEFAULT sha256((gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text)::bytea)
               CHECK (octet_length(secret) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO token_secret DEFAULT VALUES;

-- The domain of the envelope senders b-TOKEN@..., whose MX leads to us; NULL: the sender's own address.
ALTER TABLE sender_domain ADD COLUMN bounce_domain text;

-- `none`, or the language of the unsubscribe page and footer (domain/unsubscribe_language.py).
ALTER TABLE send_task ADD COLUMN unsubscribe text NOT NULL DEFAULT 'none';
ALTER TABLE former_edition ADD COLUMN unsubscribe text NOT NULL DEFAULT 'none';

-- An entry holds for all mail (scope ''), or for the bulk mail of one sender domain.
ALTER TABLE suppression ADD COLUMN scope text NOT NULL DEFAULT '',
    -- The feed that it came from; '': a person, or the server's answer while sending.
    ADD COLUMN source text NOT NULL DEFAULT '',
    -- The message that it was made for, and the mailbox provider of its address then; NULL: none.
    ADD COLUMN occurrence_id bigint,
    ADD COLUMN seq integer,
    ADD COLUMN mailbox_provider text;
ALTER TABLE suppression DROP CONSTRAINT suppression_pkey;
ALTER TABLE suppression ADD PRIMARY KEY (address_key, scope);
-- New hard bounces of a mailbox provider within an hour: the storm guard counts them.
CREATE INDEX suppression_of_provider ON suppression (mailbox_provider, created_at) WHERE mailbox_provider IS NOT NULL;

-- Entries that the storm guard holds back: many new hard bounces of one mailbox provider at once wait for a person.
CREATE TABLE suppression_held (
    address_key      text NOT NULL,
    scope            text NOT NULL DEFAULT '',
    address          text NOT NULL,
    reason           text NOT NULL CHECK (reason IN ('hard_bounce', 'complaint', 'unsubscribe')),
    note             text NOT NULL DEFAULT '',
    source           text NOT NULL,
    mailbox_provider text NOT NULL,
    occurrence_id    bigint NOT NULL,
    seq              integer NOT NULL,
    held_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (address_key, scope)
);
CREATE INDEX suppression_held_of_provider ON suppression_held (mailbox_provider, held_at);

CREATE TYPE event_kind AS ENUM ('delivered', 'deferred', 'dropped', 'bounced', 'complained', 'unsubscribed', 'resubscribed',
                                'opened', 'clicked');

-- Each event once, as it was told: insert-only, a partition a month of the source's own clock (a unique key of a
-- partitioned table has its partition key in it, and a repetition has the same time). What has an odd date lies in the
-- default partition.
CREATE TABLE message_event (
    -- 16 octets of the hash of source and source's id.
    event_key     uuid NOT NULL,
    occurred_at   timestamptz NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    occurrence_id bigint NOT NULL,
    seq           integer NOT NULL,
    kind          event_kind NOT NULL,
    hard          boolean NOT NULL DEFAULT false,
    source        text NOT NULL,
    source_id     text NOT NULL,
    -- The source's own word for the kind.
    provider_kind text NOT NULL DEFAULT '',
    -- Why, by domain/delivery_failure.py, and the enhanced status code; NULL: not known.
    reason        text,
    status        text,
    diagnostic    text NOT NULL DEFAULT '',
    raw           text NOT NULL DEFAULT '',
    UNIQUE (event_key, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX message_event_of_message ON message_event (occurrence_id, seq);
CREATE TABLE message_event_default PARTITION OF message_event DEFAULT;

-- Makes the partition of a month (in UTC); false: it is there. Makers wait for each other, and writers are waited for and
-- wait, some milliseconds: a row that is on its way to the default partition would be refused there once the month has a
-- partition of its own. What has come into the default partition moves.
CREATE FUNCTION make_event_month(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    made text := 'message_event_' || to_char(first, 'YYYY_MM');
    begins timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(7368, 0);
    IF to_regclass(made) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE message_event IN ACCESS EXCLUSIVE MODE;
    EXECUTE 'CREATE TABLE ' || made || ' (LIKE message_event INCLUDING ALL)';
    EXECUTE 'WITH moved AS (DELETE FROM message_event_default WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *)'
            ' INSERT INTO ' || made || ' SELECT * FROM moved' USING begins, ends;
    EXECUTE 'ALTER TABLE message_event ATTACH PARTITION ' || made
            || ' FOR VALUES FROM (' || quote_literal(begins) || ') TO (' || quote_literal(ends) || ')';
    RETURN true;
END $$;

-- Drops the partitions of the months before this one; returns their number.
CREATE FUNCTION drop_event_months(kept_from date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    old text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7368, 0);
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'message_event'::regclass AND c.relname ~ '^message_event_\d{4}_\d{2}$'
          AND c.relname < 'message_event_' || to_char(kept_from, 'YYYY_MM')
    LOOP
        EXECUTE 'DROP TABLE ' || old;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

-- What became of a message, from its events: the maximum of what they say, so any order of the same events gives the
-- same row. It stands apart from `message`, whose updates have to stay small. What the counts are kept by stands in it,
-- as it was at the first event: a recount is one pass over this table.
CREATE TABLE message_feedback (
    occurrence_id    bigint NOT NULL,
    seq              integer NOT NULL,
    task_id          bigint NOT NULL,
    sender_domain    text NOT NULL,
    -- Start of the quota day on which the message was sent.
    sent_day         timestamptz NOT NULL,
    mailbox_provider text NOT NULL,
    -- The ledger has it as failed: a server refused it while it was sent. It counts there, and is no bounce beside that.
    refused          boolean NOT NULL DEFAULT false,
    deferred         boolean NOT NULL DEFAULT false,
    delivered        boolean NOT NULL DEFAULT false,
    dropped          boolean NOT NULL DEFAULT false,
    -- 0 no, 1 soft, 2 hard.
    bounced          smallint NOT NULL DEFAULT 0,
    complained       boolean NOT NULL DEFAULT false,
    -- The last unsubscription by a link of this message, and the last time it was taken back; by the source's clock.
    unsubscribed_at  timestamptz,
    resubscribed_at  timestamptz,
    first_at         timestamptz NOT NULL,
    last_at          timestamptz NOT NULL,
    -- What is counted, worked out in this one place: 0 nothing yet, 1 deferred, 2 dropped, 3 delivered, 4 soft bounce,
    -- 5 hard bounce, 6 refused while it was sent.
    outcome          smallint GENERATED ALWAYS AS (
        CASE WHEN refused AND (bounced > 0 OR dropped OR deferred) THEN 6 WHEN bounced = 2 THEN 5 WHEN bounced = 1 THEN 4 WHEN delivered THEN 3 WHEN dropped THEN 2
             WHEN deferred THEN 1 ELSE 0 END) STORED,
    unsubscribed     boolean GENERATED ALWAYS AS (
        unsubscribed_at IS NOT NULL AND NOT coalesce(resubscribed_at > unsubscribed_at, false)) STORED,
    PRIMARY KEY (occurrence_id, seq)
) WITH (fillfactor = 80);
CREATE INDEX message_feedback_of_task ON message_feedback (task_id, occurrence_id, seq);
-- Lists of what is rare; an event that only says "delivered" changes none of these indexes.
CREATE INDEX message_feedback_not_delivered ON message_feedback (task_id, outcome, occurrence_id, seq) WHERE outcome <> 3;
CREATE INDEX message_feedback_complained ON message_feedback (task_id, occurrence_id, seq) WHERE complained;
CREATE INDEX message_feedback_unsubscribed ON message_feedback (task_id, occurrence_id, seq) WHERE unsubscribed;

-- The counts that every page and rule reads, written with the events they count. A message counts once in each column,
-- and only as what became of it in the end: `delivered` without those that bounced afterwards.
CREATE TABLE feedback_count (
    task_id          bigint NOT NULL,
    sender_domain    text NOT NULL,
    sent_day         timestamptz NOT NULL,
    mailbox_provider text NOT NULL,
    deferred         integer NOT NULL DEFAULT 0,
    delivered        integer NOT NULL DEFAULT 0,
    dropped          integer NOT NULL DEFAULT 0,
    soft_bounced     integer NOT NULL DEFAULT 0,
    hard_bounced     integer NOT NULL DEFAULT 0,
    complained       integer NOT NULL DEFAULT 0,
    unsubscribed     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, sender_domain, sent_day, mailbox_provider)
) WITH (fillfactor = 70);
CREATE INDEX feedback_count_of_day ON feedback_count (sender_domain, sent_day);

-- One row a feed.
CREATE TABLE event_feed (
    source        text PRIMARY KEY,
    first_at      timestamptz NOT NULL DEFAULT now(),
    -- By our clock.
    last_at       timestamptz NOT NULL DEFAULT now(),
    events        bigint NOT NULL DEFAULT 0,
    repetitions   bigint NOT NULL DEFAULT 0,
    unmatched     bigint NOT NULL DEFAULT 0,
    -- What was refused at its door (a bad signature, another topic), when and why, for the page.
    refused       bigint NOT NULL DEFAULT 0,
    last_refused_at timestamptz,
    last_refusal  text,
    last_refusal_explained jsonb
);

-- What could not be understood, or found no message: kept whole for a person, and to be read again after an update.
CREATE TABLE unmatched_event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_key   uuid NOT NULL UNIQUE,
    source      text NOT NULL,
    source_id   text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Our word for what it tells, where that was understood.
    kind        event_kind,
    why         text NOT NULL,
    why_explained jsonb,
    raw         bytea NOT NULL,
    -- When a person was done with it.
    closed_at   timestamptz,
    closed_by   text
);
CREATE INDEX unmatched_event_open ON unmatched_event (received_at DESC) WHERE closed_at IS NULL;

-- Mailbox provider of a recipient's domain, by its MX. A domain enters with its first event, not looked up yet (the first
-- moment of all); `ses_maintenance` looks it up, and once more after a month.
CREATE TABLE mailbox_provider (
    domain           text PRIMARY KEY,
    mailbox_provider text NOT NULL,
    looked_up_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mailbox_provider_oldest ON mailbox_provider (looked_up_at);
