-- Opens and clicks: NULL in a task is the default of its sender domain.
ALTER TABLE send_task ADD COLUMN track_opens boolean, ADD COLUMN track_clicks boolean;
ALTER TABLE former_edition ADD COLUMN track_opens boolean, ADD COLUMN track_clicks boolean;
ALTER TABLE sender_domain ADD COLUMN track_opens boolean NOT NULL DEFAULT false, ADD COLUMN track_clicks boolean NOT NULL DEFAULT false;

-- The links of a task's mail. A click is found by the target in its signed address, so this is a name for the counts.
CREATE TABLE tracked_link (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id  bigint NOT NULL,
    -- sha256 of the target, which may be longer than an index takes.
    target_hash bytea NOT NULL,
    target   text NOT NULL,
    UNIQUE (task_id, target_hash)
);

-- Opens and clicks, each once, a partition a month as message_event. What identifies a person's device (address, user
-- agent) is emptied after some days; the verdict and its rule stay.
CREATE TABLE engagement (
    event_key     uuid NOT NULL,
    -- By the clock of whoever noticed it: a repetition has the same.
    occurred_at   timestamptz NOT NULL,
    -- The same, but never before the message was sent and never after it was received: what rules and counts go by.
    happened_at   timestamptz NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    occurrence_id bigint NOT NULL,
    seq           integer NOT NULL,
    kind          event_kind NOT NULL CHECK (kind IN ('opened', 'clicked')),
    source        text NOT NULL,
    -- Of a click: the link, and its place in the mail from 0.
    link_id       bigint,
    place         smallint,
    -- 0 unknown, 1 person, 2 machine (domain/engagement_verdict.py), and the name of the rule.
    verdict       smallint NOT NULL DEFAULT 0,
    rule          text NOT NULL DEFAULT '',
    -- The source's own word that no person did this.
    told_machine  boolean NOT NULL DEFAULT false,
    -- NULL in `user_agent`: both were emptied, and the verdict does not change any more.
    ip            inet,
    user_agent    text DEFAULT '',
    UNIQUE (event_key, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX engagement_of_message ON engagement (occurrence_id, seq);
CREATE INDEX engagement_of_device ON engagement (received_at) WHERE user_agent IS NOT NULL;
CREATE TABLE engagement_default PARTITION OF engagement DEFAULT;

-- Makes the partition of a month (in UTC); false: it is there. As make_event_month, and with its lock.
CREATE FUNCTION make_engagement_month(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    made text := 'engagement_' || to_char(first, 'YYYY_MM');
    begins timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(7368, 0);
    IF to_regclass(made) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE engagement IN ACCESS EXCLUSIVE MODE;
    EXECUTE 'CREATE TABLE ' || made || ' (LIKE engagement INCLUDING ALL)';
    EXECUTE 'WITH moved AS (DELETE FROM engagement_default WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *)'
            ' INSERT INTO ' || made || ' SELECT * FROM moved' USING begins, ends;
    EXECUTE 'ALTER TABLE engagement ATTACH PARTITION ' || made
            || ' FOR VALUES FROM (' || quote_literal(begins) || ') TO (' || quote_literal(ends) || ')';
    RETURN true;
END $$;

-- Drops the partitions of the months before this one; returns their number.
CREATE FUNCTION drop_engagement_months(kept_from date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    old text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7368, 0);
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'engagement'::regclass AND c.relname ~ '^engagement_\d{4}_\d{2}$'
          AND c.relname < 'engagement_' || to_char(kept_from, 'YYYY_MM')
    LOOP
        EXECUTE 'DROP TABLE ' || old;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

-- What is known of a message's opens and clicks: worked out from all its events each time one comes.
CREATE TABLE message_engagement (
    occurrence_id    bigint NOT NULL,
    seq              integer NOT NULL,
    task_id          bigint NOT NULL,
    sender_domain    text NOT NULL,
    sent_day         timestamptz NOT NULL,
    mailbox_provider text NOT NULL,
    -- Numbers of events by verdict.
    opens_people     integer NOT NULL DEFAULT 0,
    opens_machines   integer NOT NULL DEFAULT 0,
    opens_unknown    integer NOT NULL DEFAULT 0,
    clicks_people    integer NOT NULL DEFAULT 0,
    clicks_machines  integer NOT NULL DEFAULT 0,
    clicks_unknown   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (occurrence_id, seq)
) WITH (fillfactor = 80);
CREATE INDEX message_engagement_of_task ON message_engagement (task_id, occurrence_id, seq);

-- The counts that pages and rules read. The first seven are numbers of messages (a message opened by a person and by a machine
-- counts in `opened_people` alone: people before unknown before machines), the last two of events.
CREATE TABLE engagement_count (
    task_id          bigint NOT NULL,
    sender_domain    text NOT NULL,
    sent_day         timestamptz NOT NULL,
    mailbox_provider text NOT NULL,
    opened_people    integer NOT NULL DEFAULT 0,
    opened_machines  integer NOT NULL DEFAULT 0,
    opened_unknown   integer NOT NULL DEFAULT 0,
    clicked_people   integer NOT NULL DEFAULT 0,
    clicked_machines integer NOT NULL DEFAULT 0,
    clicked_unknown  integer NOT NULL DEFAULT 0,
    -- Opened or clicked by a person: who clicks has read, also where the pixel was not loaded.
    engaged_people   integer NOT NULL DEFAULT 0,
    opens            integer NOT NULL DEFAULT 0,
    clicks           integer NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, sender_domain, sent_day, mailbox_provider)
) WITH (fillfactor = 70);
CREATE INDEX engagement_count_of_day ON engagement_count (sender_domain, sent_day);

-- Clicks of a task by link: events; messages whose link was clicked by a person; messages whose link only machines clicked.
CREATE TABLE link_count (
    task_id bigint NOT NULL,
    link_id bigint NOT NULL,
    clicks  integer NOT NULL DEFAULT 0,
    people  integer NOT NULL DEFAULT 0,
    machines integer NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, link_id)
) WITH (fillfactor = 70);

-- Opens and clicks of people by the hour (in UTC) in which they happened, and all of them.
CREATE TABLE engagement_hour (
    task_id       bigint NOT NULL,
    hour          timestamptz NOT NULL,
    opens_people  integer NOT NULL DEFAULT 0,
    clicks_people integer NOT NULL DEFAULT 0,
    opens         integer NOT NULL DEFAULT 0,
    clicks        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, hour)
) WITH (fillfactor = 70);
