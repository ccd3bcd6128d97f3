-- name: links
-- The numbers of links that have one.
SELECT l.id, l.task_id, l.target_hash
FROM unnest(%(tasks)s::bigint[], %(hashes)s::bytea[]) AS k (task_id, target_hash)
JOIN tracked_link l ON l.task_id = k.task_id AND l.target_hash = k.target_hash;

-- name: add_links
-- In one order, so that two writers of the same links wait for each other and never in a circle.
INSERT INTO tracked_link (task_id, target_hash, target)
SELECT task_id, target_hash, target
FROM unnest(%(tasks)s::bigint[], %(hashes)s::bytea[], %(targets)s::text[]) AS k (task_id, target_hash, target)
ORDER BY task_id, target_hash
ON CONFLICT (task_id, target_hash) DO NOTHING;

-- name: begin_messages
-- Rows for messages without an open or a click so far. What another writer has just written is waited for, and left.
INSERT INTO message_engagement (occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider)
SELECT occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider
FROM json_to_recordset(%(messages)s::json) AS r (
    occurrence_id bigint, seq int, task_id bigint, sender_domain text, sent_day timestamptz, mailbox_provider text)
ORDER BY occurrence_id, seq
ON CONFLICT (occurrence_id, seq) DO NOTHING
RETURNING occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider, opens_people, opens_machines,
          opens_unknown, clicks_people, clicks_machines, clicks_unknown;

-- name: lock_messages
-- Of messages that had opens or clicks before; no other writer changes them until the end of the transaction.
SELECT e.occurrence_id, e.seq, e.task_id, e.sender_domain, e.sent_day, e.mailbox_provider, e.opens_people,
       e.opens_machines, e.opens_unknown, e.clicks_people, e.clicks_machines, e.clicks_unknown
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN message_engagement e ON e.occurrence_id = k.occurrence_id AND e.seq = k.seq
ORDER BY e.occurrence_id, e.seq FOR UPDATE OF e;

-- name: events
-- All events of messages, after their rows were locked: what another writer has committed meanwhile is seen.
SELECT e.event_key::text AS event_key, e.occurred_at, e.happened_at, e.occurrence_id, e.seq, e.kind::text AS kind,
       e.link_id, e.place, e.verdict, e.rule, e.told_machine, host(e.ip) AS ip, e.user_agent
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN engagement e ON e.occurrence_id = k.occurrence_id AND e.seq = k.seq;

-- name: insert_events
INSERT INTO engagement (event_key, occurred_at, happened_at, received_at, occurrence_id, seq, kind, source, link_id,
                        place, verdict, rule, told_machine, ip, user_agent)
SELECT event_key, occurred_at, happened_at, received_at, occurrence_id, seq, kind, source, link_id, place, verdict, rule,
       told_machine, ip, user_agent
FROM json_to_recordset(%(events)s::json) AS e (
    event_key uuid, occurred_at timestamptz, happened_at timestamptz, received_at timestamptz, occurrence_id bigint,
    seq int, kind event_kind, source text, link_id bigint, place smallint, verdict smallint, rule text,
    told_machine boolean, ip inet, user_agent text)
ORDER BY event_key, occurred_at
ON CONFLICT DO NOTHING;

-- name: change_verdicts
-- Of events that are stored and that a later one has thrown another light on.
UPDATE engagement e SET verdict = r.verdict, rule = r.rule
FROM json_to_recordset(%(verdicts)s::json) AS r (event_key uuid, occurred_at timestamptz, verdict smallint, rule text)
WHERE e.event_key = r.event_key AND e.occurred_at = r.occurred_at;

-- name: add_to_messages
UPDATE message_engagement e SET
    opens_people = e.opens_people + r.opens_people, opens_machines = e.opens_machines + r.opens_machines,
    opens_unknown = e.opens_unknown + r.opens_unknown, clicks_people = e.clicks_people + r.clicks_people,
    clicks_machines = e.clicks_machines + r.clicks_machines, clicks_unknown = e.clicks_unknown + r.clicks_unknown
FROM json_to_recordset(%(messages)s::json) AS r (
    occurrence_id bigint, seq int, opens_people int, opens_machines int, opens_unknown int, clicks_people int,
    clicks_machines int, clicks_unknown int)
WHERE e.occurrence_id = r.occurrence_id AND e.seq = r.seq;
