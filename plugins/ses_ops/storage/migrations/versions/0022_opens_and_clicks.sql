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

-- Opens and clicks, each once. What identifies a person's device (address, user agent) is emptied after some days; the
-- verdict and its rule stay.
CREATE TABLE engagement (
    event_key     uuid NOT NULL,
    -- By the clock of whoever noticed it; never before the message was sent, never after it was received.
    occurred_at   timestamptz NOT NULL,
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
    ip            inet,
    user_agent    text NOT NULL DEFAULT '',
    UNIQUE (event_key, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX engagement_of_message ON engagement (occurrence_id, seq);
CREATE TABLE engagement_default PARTITION OF engagement DEFAULT;

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

-- The counts that pages and rules read. The first six are numbers of messages (a message opened by a person and by a machine
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
    opens            integer NOT NULL DEFAULT 0,
    clicks           integer NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, sender_domain, sent_day, mailbox_provider)
) WITH (fillfactor = 70);
CREATE INDEX engagement_count_of_day ON engagement_count (sender_domain, sent_day);

-- Clicks of a mailing by link: events, and messages whose link was clicked by a person.
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
