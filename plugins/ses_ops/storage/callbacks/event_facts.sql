-- name: event_facts
-- What is posted of events: as the ledger has it now, so nothing of a person who was erased. The edition that was sent, or
-- the single message as it was asked for. Of a refused message that was tried again and has left since, only the code of
-- the refusal is known.
SELECT w.id, w.kind, w.occurred_at, w.occurrence_id, w.seq, m.address, m.address_key, m.changed_at AS sent_at,
       CASE WHEN k.left THEN nullif(m.retried_code, 0) ELSE m.smtp_code END AS smtp_code,
       CASE WHEN k.left THEN '' ELSE m.smtp_text END AS smtp_text, t.id AS task_id, t.name AS task, t.type AS task_type, o.number AS start,
       coalesce(f.template, s.template, t.template) AS template, coalesce(f.sender, s.sender, t.sender) AS sender,
       coalesce(lower(substring(f.sender FROM '@([^@<>\s]+)>?\s*$')), t.sender_domain) AS sender_domain,
       coalesce(f.subject, s.subject, t.subject, '') AS subject, i.id AS installation,
       s.id::text AS single_id, s.reference_id, s.reference, coalesce(s.tags, '{}') AS tags,
       v.hard, v.source, v.reason, v.status, v.diagnostic,
       g.source AS engagement_source, g.verdict, g.user_agent, l.target AS link,
       w.kind = 'refused' OR v.event_key IS NOT NULL OR g.event_key IS NOT NULL AS known
FROM unnest(%(ids)s::bigint[], %(keys)s::uuid[], %(occurred)s::timestamptz[], %(occurrences)s::bigint[], %(seqs)s::int[],
            %(kinds)s::text[]) AS w (id, event_key, occurred_at, occurrence_id, seq, kind)
JOIN message m ON m.occurrence_id = w.occurrence_id AND m.seq = w.seq
CROSS JOIN LATERAL (SELECT w.kind = 'refused' AND m.state IN ('sent', 'unknown', 'suppressed') AS left) k
JOIN occurrence o ON o.id = m.occurrence_id
JOIN send_task t ON t.id = o.task_id
LEFT JOIN LATERAL (
    SELECT * FROM single_message s
    WHERE t.type = 'api' AND s.occurrence_id = m.occurrence_id AND s.first_seq <= m.seq ORDER BY s.first_seq DESC LIMIT 1
) s ON m.seq < s.first_seq + s.recipient_count
CROSS JOIN installation i
LEFT JOIN attempt a ON a.id = m.attempt_id
LEFT JOIN former_edition f ON f.task_id = t.id AND f.edition = a.edition
LEFT JOIN message_event v ON v.event_key = w.event_key AND v.occurred_at = w.occurred_at
LEFT JOIN engagement g ON g.event_key = w.event_key AND g.occurred_at = w.occurred_at
LEFT JOIN tracked_link l ON l.id = g.link_id;
