-- Where events are posted to: an address of the user's own.
CREATE TABLE callback_endpoint (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url           text NOT NULL,
    -- NULL: events of all sender domains.
    sender_domain text,
    -- `native` (Standard Webhooks, signed) or `tencent` (one JSON object as the reference posts it).
    format        text NOT NULL CHECK (format IN ('native', 'tencent')),
    -- Kinds of events that are posted; empty: all.
    kinds         text[] NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text,
    -- A person's switch, and what the deliverer found: since when every post has failed, and since when it is off for that.
    paused_at     timestamptz,
    failing_since timestamptz,
    stopped_at    timestamptz,
    stopped_why   jsonb,
    deleted_at    timestamptz
);
