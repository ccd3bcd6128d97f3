-- What each attempt did, by mailbox provider: written when the attempt ends, in the transaction that ends it, and never
-- changed but by a person's decision about messages in doubt. All rates are made of these and of `feedback_count`.
CREATE TABLE send_count (
    attempt_id       bigint NOT NULL REFERENCES attempt ON DELETE CASCADE,
    -- A provider that is known by name (domain/mailbox_provider.py), or `other`.
    mailbox_provider text NOT NULL,
    task_id          bigint NOT NULL,
    sender_domain    text NOT NULL,
    -- Start of the quota day that the attempt sent on.
    sent_day         timestamptz NOT NULL,
    ended_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- A test send counts in no rate.
    is_test          boolean NOT NULL DEFAULT false,
    -- Whether the mail had a pixel, so that its opens can be known.
    opens_tracked    boolean NOT NULL DEFAULT false,
    clicks_tracked   boolean NOT NULL DEFAULT false,
    -- The next server took it.
    accepted         integer NOT NULL DEFAULT 0,
    -- Refused for good while it was sent, by why (domain/delivery_failure.py): the address or its domain does not exist or
    -- has moved; as spam, by content, policy or a block list; for something else about the recipient, or given up after
    -- days; our side or the server (login, relay, DNS, too big).
    invalid          integer NOT NULL DEFAULT 0,
    spam_refused     integer NOT NULL DEFAULT 0,
    other_refused    integer NOT NULL DEFAULT 0,
    infrastructure   integer NOT NULL DEFAULT 0,
    -- Never left: on the suppression list.
    suppressed       integer NOT NULL DEFAULT 0,
    -- In doubt.
    unknown          integer NOT NULL DEFAULT 0,
    -- Of `accepted`: what was in doubt until a person counted it as sent, and when (the last time).
    assumed          integer NOT NULL DEFAULT 0,
    assumed_at       timestamptz,
    PRIMARY KEY (attempt_id, mailbox_provider)
);
CREATE INDEX send_count_of_day ON send_count (sender_domain, sent_day);
CREATE INDEX send_count_of_task ON send_count (task_id);

-- The quota day that an attempt sent on: its chunk may be reserved for another day later. What events tell of its messages
-- counts on the same day.
ALTER TABLE attempt ADD COLUMN quota_day_id bigint, ADD COLUMN opens_tracked boolean NOT NULL DEFAULT false,
    ADD COLUMN clicks_tracked boolean NOT NULL DEFAULT false;

UPDATE attempt a SET quota_day_id = coalesce((
    SELECT q.id FROM quota_day q WHERE q.sender_domain = c.sender_domain AND q.starts_at <= a.started_at AND q.ends_at > a.started_at
    ORDER BY q.starts_at DESC LIMIT 1), c.quota_day_id)
FROM chunk c WHERE c.id = a.chunk_id;

-- Of the bounces: those that call the mail spam (policy, content, a block list), and those of our own side or of the
-- servers on the way, which say nothing of the audience.
ALTER TABLE message_feedback ADD COLUMN spam boolean NOT NULL DEFAULT false, ADD COLUMN infrastructure boolean NOT NULL DEFAULT false;
ALTER TABLE feedback_count ADD COLUMN spam_bounced integer NOT NULL DEFAULT 0, ADD COLUMN infrastructure_bounced integer NOT NULL DEFAULT 0;

-- What an event says of the reputation (domain/refusal_class.py): 0 of the recipient or nothing, 1 the mail is called spam,
-- 2 our own side or a server on the way. What came before this version is told by its reason.
ALTER TABLE message_event ADD COLUMN about smallint NOT NULL DEFAULT 0;
-- The moment when an event was written, not when its transaction began: one that waited for a judge comes after that one's
-- figures.
ALTER TABLE message_event ALTER COLUMN received_at SET DEFAULT clock_timestamp();
UPDATE message_event SET about = CASE
    WHEN diagnostic ~* '\m(spf|dkim|dmarc|adsp)\M|\mreverse.?dns\M|\mrdns\M|\mptr\M' OR status ~ '^[45]\.7\.2[0-9]$' THEN 2
    ELSE 1 END
WHERE kind = 'bounced' AND reason IN ('content-rejected', 'blocked', 'policy');
UPDATE message_event SET about = 2
WHERE kind = 'bounced' AND reason IN ('too-big', 'sender-rejected', 'login-needed', 'relay-denied', 'greeting-rejected',
                                      'rate-limited', 'quota-used-up', 'session-used-up', 'server-trouble');
UPDATE message_feedback f SET spam = e.spam, infrastructure = e.infrastructure
FROM (
    SELECT occurrence_id, seq, bool_or(about = 1) AS spam, bool_or(about = 2) AS infrastructure
    FROM message_event WHERE about > 0 GROUP BY 1, 2
) e WHERE f.occurrence_id = e.occurrence_id AND f.seq = e.seq;
UPDATE feedback_count c SET spam_bounced = n.spam, infrastructure_bounced = n.infrastructure
FROM (
    SELECT task_id, sender_domain, sent_day, mailbox_provider, count(*) FILTER (WHERE spam) AS spam,
           count(*) FILTER (WHERE infrastructure AND NOT spam) AS infrastructure
    FROM message_feedback WHERE outcome = 4 AND (spam OR infrastructure) GROUP BY 1, 2, 3, 4
) n WHERE (c.task_id, c.sender_domain, c.sent_day, c.mailbox_provider)
        = (n.task_id, n.sender_domain, n.sent_day, n.mailbox_provider);

-- The reputation of a sender domain, as it is now. A domain without a row has not been judged yet.
CREATE TABLE reputation (
    sender_domain text PRIMARY KEY,
    -- 1 to 20.
    level         smallint NOT NULL CHECK (level BETWEEN 1 AND 20),
    -- The level from `next_day` on, when the day's mail has lowered it; NULL: the same.
    next_level    smallint CHECK (next_level BETWEEN 1 AND 20),
    next_day      timestamptz,
    -- Nothing leaves before this moment; 'infinity': until a person releases it.
    blocked_until timestamptz,
    blocked_why   jsonb,
    -- A person's word: the level that holds whatever the figures say, and the highest that may be reached.
    pinned_level  smallint CHECK (pinned_level BETWEEN 1 AND 20),
    max_level     smallint CHECK (max_level BETWEEN 1 AND 20),
    -- Days before this moment are not looked at.
    reset_at      timestamptz,
    -- The last time it was judged, and the newest quota day that was.
    judged_at     timestamptz,
    judged_day    timestamptz
);

-- Every decision, once, with the figures that it was made of.
CREATE TABLE reputation_decision (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_domain text NOT NULL,
    decided_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The quota day it was made on, the day of sending whose figures led to it, and when it takes effect.
    quota_day     timestamptz NOT NULL,
    of_day        timestamptz,
    effective_at  timestamptz NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('start', 'raise', 'lower', 'block', 'pin', 'unpin', 'cap', 'release', 'give_up', 'reset', 'alarm')),
    level_before  smallint,
    level_after   smallint,
    -- {"code": ..., "facts": {...}} (ses_ops/errors.py, Explanation), and the figures by name, as whole numbers.
    why           jsonb NOT NULL,
    figures       jsonb NOT NULL DEFAULT '{}',
    -- Computed and not enforced.
    shadow        boolean NOT NULL DEFAULT false,
    -- The person, and that one's reason; NULL: by itself.
    actor         text,
    note          text NOT NULL DEFAULT ''
);
CREATE INDEX reputation_decision_of_domain ON reputation_decision (sender_domain, decided_at DESC);
