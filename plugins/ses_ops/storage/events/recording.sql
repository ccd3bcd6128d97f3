-- name: look_up_by_key
SELECT set_config(name, 'off', true)
FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit']) AS s (name);

-- name: begin
-- A batch looks up a few rows of tables that the planner may not know yet: never by reading them through. And no person is
-- erased meanwhile, whose address this transaction would bring back; erasures take the other side of the lock.
SELECT pg_advisory_xact_lock_shared(7369, 0), set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('jit', 'off', true);

-- name: messages
-- The messages that events name, with what their counts are kept by: the domain and the start of the quota day that their
-- attempt sent on, as in `send_count`. Attempts of earlier versions do not know theirs: then the sender domain of the edition
-- that was sent, and the quota day in which the outcome was written (else the day in UTC). The provider by MX, where known.
SELECT m.occurrence_id, m.seq, m.address, m.address_key, o.task_id, coalesce(o.frozen_at, to_timestamp(0)) AS frozen_at,
       coalesce(s.sender_domain, d.sender_domain) AS sender_domain,
       coalesce(s.starts_at, q.starts_at, date_trunc('day', coalesce(m.changed_at, now()), 'UTC')) AS sent_day,
       m.state = 'failed' AS refused, p.mailbox_provider AS known_provider
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN message m ON m.occurrence_id = k.occurrence_id AND m.seq = k.seq
JOIN occurrence o ON o.id = m.occurrence_id
JOIN send_task t ON t.id = o.task_id
LEFT JOIN attempt a ON a.id = m.attempt_id
LEFT JOIN quota_day s ON s.id = a.quota_day_id
LEFT JOIN former_edition f ON f.task_id = t.id AND f.edition = a.edition
CROSS JOIN LATERAL (
    SELECT coalesce(lower(substring(f.sender FROM '@([^@<>\s]+)>?\s*$')), t.sender_domain) AS sender_domain
) d
LEFT JOIN LATERAL (
    SELECT y.starts_at FROM quota_day y
    WHERE s.id IS NULL AND y.sender_domain = d.sender_domain AND y.starts_at <= m.changed_at AND y.ends_at > m.changed_at
    ORDER BY y.starts_at DESC LIMIT 1
) q ON true
LEFT JOIN mailbox_provider p ON p.domain = substring(m.address_key FROM '[^@]*$');

-- name: installation_id
SELECT id FROM installation;

-- name: insert_events
-- In one order, so that two writers of the same events wait for each other and never in a circle. All come at one moment:
-- that of the writing, not of the transaction's beginning, since one that has waited for a judge of the reputation comes
-- after that one's figures.
WITH moment AS MATERIALIZED (
    SELECT clock_timestamp() AS now
)
INSERT INTO message_event (event_key, occurred_at, occurrence_id, seq, kind, hard, source, source_id, provider_kind,
                           about, reason, status, diagnostic, raw, received_at)
SELECT event_key, occurred_at, occurrence_id, seq, kind, hard, source, source_id, provider_kind, about, reason, status,
       diagnostic, raw, moment.now
FROM moment CROSS JOIN json_to_recordset(%(events)s::json) AS e (
    event_key uuid, occurred_at timestamptz, occurrence_id bigint, seq int, kind event_kind, hard boolean, source text,
    source_id text, provider_kind text, about smallint, reason text, status text, diagnostic text, raw text)
ORDER BY event_key, occurred_at
ON CONFLICT DO NOTHING
RETURNING event_key::text AS event_key, received_at;

-- name: insert_feedback
-- Of messages without an event so far. What another writer has just written is waited for, and left.
INSERT INTO message_feedback (occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider, refused, deferred,
                              delivered, dropped, bounced, spam, infrastructure, complained, unsubscribed_at, resubscribed_at,
                              first_at, last_at)
SELECT occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider, refused, deferred, delivered, dropped,
       bounced, spam, infrastructure, complained, unsubscribed_at, resubscribed_at, first_at, last_at
FROM json_to_recordset(%(feedback)s::json) AS r (
    occurrence_id bigint, seq int, task_id bigint, sender_domain text, sent_day timestamptz, mailbox_provider text,
    refused boolean, deferred boolean, delivered boolean, dropped boolean, bounced smallint, spam boolean,
    infrastructure boolean, complained boolean, unsubscribed_at timestamptz, resubscribed_at timestamptz,
    first_at timestamptz, last_at timestamptz)
ORDER BY occurrence_id, seq
ON CONFLICT (occurrence_id, seq) DO NOTHING
RETURNING occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider, outcome, spam, infrastructure,
          complained, unsubscribed;

-- name: lock_feedback
-- Of messages that had events before, as they are; no other writer changes them until the end of the transaction.
SELECT f.occurrence_id, f.seq, f.task_id, f.sender_domain, f.sent_day, f.mailbox_provider, f.outcome, f.spam,
       f.infrastructure, f.complained, f.unsubscribed
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN message_feedback f ON f.occurrence_id = k.occurrence_id AND f.seq = k.seq
ORDER BY f.occurrence_id, f.seq FOR UPDATE OF f;

-- name: counted_by
SELECT f.occurrence_id, f.seq, f.task_id, f.sender_domain, f.sent_day, f.mailbox_provider, f.outcome, f.spam,
       f.infrastructure, f.complained, f.unsubscribed
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN message_feedback f ON f.occurrence_id = k.occurrence_id AND f.seq = k.seq;

-- name: merge_feedback
UPDATE message_feedback f SET
    refused = r.refused, deferred = f.deferred OR r.deferred, delivered = f.delivered OR r.delivered, dropped = f.dropped OR r.dropped,
    bounced = greatest(f.bounced, r.bounced), spam = f.spam OR r.spam,
    infrastructure = f.infrastructure OR r.infrastructure, complained = f.complained OR r.complained,
    unsubscribed_at = greatest(f.unsubscribed_at, r.unsubscribed_at),
    resubscribed_at = greatest(f.resubscribed_at, r.resubscribed_at),
    first_at = least(f.first_at, r.first_at), last_at = greatest(f.last_at, r.last_at)
FROM json_to_recordset(%(feedback)s::json) AS r (
    occurrence_id bigint, seq int, refused boolean, deferred boolean, delivered boolean, dropped boolean, bounced smallint,
    spam boolean, infrastructure boolean, complained boolean, unsubscribed_at timestamptz, resubscribed_at timestamptz,
    first_at timestamptz, last_at timestamptz)
WHERE f.occurrence_id = r.occurrence_id AND f.seq = r.seq
RETURNING f.occurrence_id, f.seq, f.task_id, f.sender_domain, f.sent_day, f.mailbox_provider, f.outcome, f.spam,
          f.infrastructure, f.complained, f.unsubscribed;

-- name: add_counts
-- Last of all but the feeds: all writers of a task meet at these rows, and wait until the transaction ends.
INSERT INTO feedback_count AS c (task_id, sender_domain, sent_day, mailbox_provider, deferred, delivered, dropped,
                                 soft_bounced, hard_bounced, spam_bounced, infrastructure_bounced, complained, unsubscribed)
SELECT task_id, sender_domain, sent_day, mailbox_provider, deferred, delivered, dropped, soft_bounced, hard_bounced,
       spam_bounced, infrastructure_bounced, complained, unsubscribed
FROM json_to_recordset(%(counts)s::json) AS r (
    task_id bigint, sender_domain text, sent_day timestamptz, mailbox_provider text, deferred int, delivered int,
    dropped int, soft_bounced int, hard_bounced int, spam_bounced int, infrastructure_bounced int, complained int,
    unsubscribed int)
ORDER BY task_id, sender_domain, sent_day, mailbox_provider
ON CONFLICT (task_id, sender_domain, sent_day, mailbox_provider) DO UPDATE SET
    deferred = c.deferred + excluded.deferred, delivered = c.delivered + excluded.delivered,
    dropped = c.dropped + excluded.dropped, soft_bounced = c.soft_bounced + excluded.soft_bounced,
    hard_bounced = c.hard_bounced + excluded.hard_bounced, spam_bounced = c.spam_bounced + excluded.spam_bounced,
    infrastructure_bounced = c.infrastructure_bounced + excluded.infrastructure_bounced, complained = c.complained + excluded.complained,
    unsubscribed = c.unsubscribed + excluded.unsubscribed;
