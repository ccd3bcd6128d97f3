-- name: hold_events
-- What is being recorded now is waited for, and nothing is recorded until the end of the transaction: an event that has
-- found its message already would bring the address back.
SELECT pg_advisory_xact_lock(7369, 0);

-- name: hold_tasks
-- No audience is frozen from a group while a person is taken out of it.
SELECT t.id FROM send_task t
WHERE t.group_id IN (SELECT group_id FROM recipient WHERE address_key = %(address_key)s) AND t.deleted_at IS NULL
ORDER BY t.id FOR NO KEY UPDATE;

-- name: take_out_of_groups
WITH taken AS (
    DELETE FROM recipient WHERE address_key = %(address_key)s RETURNING group_id
), counted AS (
    SELECT group_id, count(*)::int AS count FROM taken GROUP BY group_id
)
UPDATE recipient_group g SET recipient_count = g.recipient_count - c.count FROM counted c WHERE g.id = c.group_id
RETURNING g.name, c.count;

-- name: groups_of
SELECT g.name, count(*)::int AS count
FROM recipient r JOIN recipient_group g ON g.id = r.group_id
WHERE r.address_key = %(address_key)s GROUP BY g.name ORDER BY g.name;

-- name: messages_of
SELECT count(*)::int AS count FROM message WHERE address_key = %(address_key)s;

-- name: hold_chunks
-- What waits stays where it is meanwhile; what is being sent is not waited for.
SELECT c.id FROM message m
JOIN chunk c ON c.occurrence_id = m.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
WHERE m.address_key = %(address_key)s AND c.state = 'cached'
ORDER BY c.id FOR UPDATE OF c;

-- name: clear_first_subjects
-- The subject that a task is listed by is made of its first recipient's values; it is made of another's then.
UPDATE send_task t SET first_subject = NULL FROM occurrence o, message m
WHERE o.task_id = t.id AND m.occurrence_id = o.id AND m.address_key = %(address_key)s AND t.first_subject IS NOT NULL;

-- name: erase_messages
-- The counts and the outcome stay. A message that a sender holds now is its own: it finds the row by its place, and the
-- outcome would be lost.
UPDATE message m SET address = %(person)s, address_key = %(person)s, "values" = '{}',
    smtp_text = CASE WHEN m.state = 'suppressed' THEN m.smtp_text END
WHERE m.address_key = %(address_key)s AND (
    m.state IN ('sent', 'failed', 'suppressed', 'unknown')
    OR NOT EXISTS (
        SELECT 1 FROM chunk c WHERE c.occurrence_id = m.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
          AND c.state = 'reserved'
    )
);

-- name: hide_suppression
-- The entries go on under the hash; two of one scope become the one that lasts longer.
INSERT INTO suppression AS s (address_key, address, scope, reason, note, created_at, expires_at, added_by, source,
                              occurrence_id, seq, mailbox_provider)
SELECT %(person)s, %(person)s, scope, reason, '', created_at, expires_at, '', source, occurrence_id, seq, mailbox_provider
FROM suppression WHERE address_key = %(address_key)s AND note <> %(for_now)s
ON CONFLICT (address_key, scope) DO UPDATE SET reason = excluded.reason, expires_at = excluded.expires_at
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);

-- name: remove_suppression
DELETE FROM suppression WHERE address_key = %(address_key)s;

-- name: suppress_for_now
-- Of a message that a sender holds: it looks here before it sends.
INSERT INTO suppression (address_key, address, reason, note, expires_at)
VALUES (%(address_key)s, %(address_key)s, 'manual', %(for_now)s, now() + interval '1 day')
ON CONFLICT (address_key, scope) DO NOTHING;

-- name: is_suppressed
SELECT EXISTS (
    SELECT 1 FROM suppression WHERE address_key IN (%(address_key)s, %(person)s) AND note <> %(for_now)s
) AS found;

-- name: hide_held
INSERT INTO suppression_held (address_key, scope, address, reason, note, source, mailbox_provider, occurrence_id, seq, held_at)
SELECT %(person)s, scope, %(person)s, reason, '', source, mailbox_provider, occurrence_id, seq, held_at
FROM suppression_held WHERE address_key = %(address_key)s
ON CONFLICT DO NOTHING;

-- name: remove_held
DELETE FROM suppression_held WHERE address_key = %(address_key)s;

-- name: clear_events
-- What was told of the person's messages stays; the words it was told in may name the address.
UPDATE message_event e SET raw = '', diagnostic = '',
    source_id = CASE WHEN strpos(lower(e.source_id), %(address_key)s) > 0 THEN e.event_key::text ELSE e.source_id END
FROM message m
WHERE m.address_key IN (%(address_key)s, %(person)s) AND e.occurrence_id = m.occurrence_id AND e.seq = m.seq;

-- name: clear_callbacks
-- An endpoint's answer may repeat what was posted to it.
UPDATE callback_delivery d SET answer = '' FROM message m
WHERE m.address_key IN (%(address_key)s, %(person)s) AND d.occurrence_id = m.occurrence_id AND d.seq = m.seq AND d.answer <> '';

-- name: clear_waiting_callbacks
UPDATE callback_waiting w SET last_answer = '' FROM callback_endpoint e, message m
WHERE m.address_key IN (%(address_key)s, %(person)s) AND w.endpoint_id = e.id AND w.occurrence_id = m.occurrence_id
  AND w.seq = m.seq AND w.last_answer <> '';

-- name: clear_devices
-- Opens and clicks stay, with their verdicts, because the counts are made of them; nothing of the device does.
UPDATE engagement e SET ip = NULL, user_agent = NULL
FROM message m
WHERE m.address_key IN (%(address_key)s, %(person)s) AND e.occurrence_id = m.occurrence_id AND e.seq = m.seq
  AND e.user_agent IS NOT NULL;

-- name: clear_unmatched
-- Octets are compared as ASCII with escapes, because a raw text may be in any encoding.
UPDATE unmatched_event SET raw = '', source_id = event_key::text, closed_at = coalesce(closed_at, now())
WHERE strpos(lower(encode(raw, 'escape') || ' ' || source_id), lower(encode(convert_to(%(address_key)s, 'UTF8'), 'escape'))) > 0;

-- name: events_of
-- What others told, and what the person opened and clicked, with the device while it is kept.
SELECT t.name AS task, e.occurred_at, e.received_at, e.kind, e.hard, e.source, e.diagnostic
FROM message m
CROSS JOIN LATERAL (
    SELECT event_key, occurred_at, received_at, kind::text, hard, source, diagnostic FROM message_event
    WHERE occurrence_id = m.occurrence_id AND seq = m.seq
    UNION ALL
    SELECT g.event_key, g.happened_at, g.received_at, g.kind::text, false, g.source,
           concat_ws(' ', l.target, host(g.ip), nullif(g.user_agent, ''))
    FROM engagement g LEFT JOIN tracked_link l ON l.id = g.link_id WHERE g.occurrence_id = m.occurrence_id AND g.seq = m.seq
) e
JOIN occurrence o ON o.id = m.occurrence_id JOIN send_task t ON t.id = o.task_id
WHERE m.address_key = %(address_key)s ORDER BY e.occurred_at, e.event_key LIMIT %(limit)s;

-- name: import_reports
SELECT id::text, report FROM import_run WHERE report IS NOT NULL;

-- name: set_import_report
UPDATE import_run SET report = %(report)s, report_rows = %(rows)s WHERE id = %(id)s;

-- name: clear_imports
-- Addresses that may be mistyped, and why a file was refused, may name it.
UPDATE import_run i SET
    doubtful = coalesce((
        SELECT jsonb_agg(one) FROM jsonb_array_elements(i.doubtful) one WHERE lower(one ->> 1) <> %(address_key)s
    ), '[]'),
    problem = CASE WHEN strpos(lower(i.problem), %(address_key)s) > 0 THEN '' ELSE i.problem END,
    facts = CASE WHEN strpos(lower(i.facts::text), %(address_key)s) > 0 THEN '{}' ELSE i.facts END,
    fault = CASE WHEN strpos(lower(i.facts::text), %(address_key)s) > 0 THEN NULL ELSE i.fault END
WHERE strpos(lower(i.doubtful::text), %(address_key)s) > 0 OR strpos(lower(i.problem), %(address_key)s) > 0
   OR strpos(lower(i.facts::text), %(address_key)s) > 0;

-- name: clear_task_errors
UPDATE send_task SET error = regexp_replace(error, %(pattern)s, %(person)s, 'gi'), error_explained = NULL
WHERE strpos(lower(concat(error, error_explained)), %(address_key)s) > 0;

-- name: clear_chunk_reasons
UPDATE chunk SET reason = regexp_replace(reason, %(pattern)s, %(person)s, 'gi'), reason_explained = NULL
WHERE strpos(lower(concat(reason, reason_explained)), %(address_key)s) > 0;

-- name: clear_held_reasons
UPDATE occurrence SET held_reason = regexp_replace(held_reason, %(pattern)s, %(person)s, 'gi'), held_reason_explained = NULL
WHERE strpos(lower(concat(held_reason, held_reason_explained)), %(address_key)s) > 0;

-- name: note
INSERT INTO erasure (person, erased_by, facts) VALUES (%(person)s, %(by)s, %(facts)s);

-- name: erasures
SELECT person, erased_by, erased_at, facts FROM erasure ORDER BY id DESC LIMIT %(limit)s;
