-- What each attempt did, by mailbox provider: written when the attempt ends, in the transaction that ends it, and never
-- changed but by a person's decision about messages in doubt. All rates are made of these and of `feedback_count`.
CREATE TABLE send_count (
    attempt_id       bigint NOT NULL REFERENCES attempt,
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
    PRIMARY KEY (attempt_id, mailbox_provider)
);
CREATE INDEX send_count_of_day ON send_count (sender_domain, sent_day);
CREATE INDEX send_count_of_task ON send_count (task_id);

ALTER TABLE attempt ADD COLUMN opens_tracked boolean NOT NULL DEFAULT false,
    ADD COLUMN clicks_tracked boolean NOT NULL DEFAULT false;

-- Of the bounces: those that call the mail spam (policy, content, a block list), and those of our own side or of the
-- servers on the way, which say nothing of the audience.
ALTER TABLE message_feedback ADD COLUMN spam boolean NOT NULL DEFAULT false, ADD COLUMN infrastructure boolean NOT NULL DEFAULT false;
ALTER TABLE feedback_count ADD COLUMN spam_bounced integer NOT NULL DEFAULT 0, ADD COLUMN infrastructure_bounced integer NOT NULL DEFAULT 0;

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
