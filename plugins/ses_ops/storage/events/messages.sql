-- name: timeline
SELECT event_key::text, occurred_at, received_at, kind::text, hard, source, source_id, provider_kind, reason, status,
       diagnostic, raw
FROM message_event WHERE occurrence_id = %(occurrence_id)s AND seq = %(seq)s
ORDER BY occurred_at, received_at, event_key LIMIT %(limit)s;

-- name: message
SELECT t.name AS task, t.id AS task_id, t.type AS task_type, t.deleted_at IS NOT NULL AS task_deleted, o.number AS start,
       m.occurrence_id, m.seq, m.address, c.sender_domain, m.state::text, m.tries, m.smtp_code, m.smtp_text, m.changed_at,
       o.frozen_at AS queued_at, m.first_deferred_at, coalesce(f.outcome, 0) AS outcome,
       coalesce(f.complained, false) AS complained, coalesce(f.unsubscribed, false) AS unsubscribed,
       f.mailbox_provider, f.first_at, f.last_at
FROM message m
JOIN occurrence o ON o.id = m.occurrence_id
JOIN send_task t ON t.id = o.task_id
JOIN LATERAL (
    SELECT c.sender_domain FROM chunk c
    WHERE c.task_id = o.task_id AND c.occurrence_id = o.id AND c.first_seq <= m.seq ORDER BY c.first_seq DESC LIMIT 1
) c ON true
LEFT JOIN message_feedback f ON f.occurrence_id = m.occurrence_id AND f.seq = m.seq
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = %(seq)s;

-- name: messages_of_address
-- Over all tasks, also deleted ones and test sends; the messages are found first of all (OFFSET 0), by the key or by its
-- hash, once the person was erased.
SELECT t.name AS task, t.id AS task_id, t.type AS task_type, t.deleted_at IS NOT NULL AS task_deleted, o.number AS start,
       m.occurrence_id, m.seq, m.address, c.sender_domain, m.state::text, m.tries, m.smtp_code, m.smtp_text, m.changed_at,
       o.frozen_at AS queued_at, m.first_deferred_at, coalesce(f.outcome, 0) AS outcome,
       coalesce(f.complained, false) AS complained, coalesce(f.unsubscribed, false) AS unsubscribed,
       f.mailbox_provider, f.first_at, f.last_at
FROM (
    SELECT * FROM message
    WHERE address_key IN (%(address_key)s, (SELECT erased_address(k, %(address_key)s) FROM erasure_key k))
      AND (occurrence_id, seq) < (%(before_occurrence)s, %(before_seq)s)
    ORDER BY occurrence_id DESC, seq DESC LIMIT %(limit)s
) m
JOIN occurrence o ON o.id = m.occurrence_id
JOIN send_task t ON t.id = o.task_id
JOIN LATERAL (
    SELECT c.sender_domain FROM chunk c
    WHERE c.task_id = o.task_id AND c.occurrence_id = o.id AND c.first_seq <= m.seq ORDER BY c.first_seq DESC LIMIT 1
) c ON true
LEFT JOIN message_feedback f ON f.occurrence_id = m.occurrence_id AND f.seq = m.seq
ORDER BY m.occurrence_id DESC, m.seq DESC;

-- name: delivered
SELECT f.occurrence_id, f.seq, o.number AS start, m.address, f.outcome, f.complained, f.unsubscribed, f.mailbox_provider,
       f.first_at, f.last_at, NULL::text AS diagnostic
FROM message_feedback f
JOIN message m ON m.occurrence_id = f.occurrence_id AND m.seq = f.seq JOIN occurrence o ON o.id = f.occurrence_id
WHERE f.task_id = %(task_id)s AND f.outcome = 3 AND (f.occurrence_id, f.seq) > (%(after_occurrence)s, %(after_seq)s)
ORDER BY f.occurrence_id, f.seq LIMIT %(limit)s;

-- name: not_delivered
-- By the index of those; with the server's words of the last event that has any.
SELECT f.occurrence_id, f.seq, o.number AS start, m.address, f.outcome, f.complained, f.unsubscribed, f.mailbox_provider,
       f.first_at, f.last_at, e.diagnostic
FROM message_feedback f
JOIN message m ON m.occurrence_id = f.occurrence_id AND m.seq = f.seq JOIN occurrence o ON o.id = f.occurrence_id
LEFT JOIN LATERAL (
    SELECT diagnostic FROM message_event e
    WHERE e.occurrence_id = f.occurrence_id AND e.seq = f.seq AND e.diagnostic <> '' ORDER BY e.occurred_at DESC LIMIT 1
) e ON true
WHERE f.task_id = %(task_id)s AND f.outcome <> 3 AND f.outcome = %(outcome)s
  AND (f.occurrence_id, f.seq) > (%(after_occurrence)s, %(after_seq)s)
ORDER BY f.occurrence_id, f.seq LIMIT %(limit)s;

-- name: complained
SELECT f.occurrence_id, f.seq, o.number AS start, m.address, f.outcome, f.complained, f.unsubscribed, f.mailbox_provider,
       f.first_at, f.last_at, NULL::text AS diagnostic
FROM message_feedback f
JOIN message m ON m.occurrence_id = f.occurrence_id AND m.seq = f.seq JOIN occurrence o ON o.id = f.occurrence_id
WHERE f.task_id = %(task_id)s AND f.complained AND (f.occurrence_id, f.seq) > (%(after_occurrence)s, %(after_seq)s)
ORDER BY f.occurrence_id, f.seq LIMIT %(limit)s;

-- name: unsubscribed
SELECT f.occurrence_id, f.seq, o.number AS start, m.address, f.outcome, f.complained, f.unsubscribed, f.mailbox_provider,
       f.first_at, f.last_at, NULL::text AS diagnostic
FROM message_feedback f
JOIN message m ON m.occurrence_id = f.occurrence_id AND m.seq = f.seq JOIN occurrence o ON o.id = f.occurrence_id
WHERE f.task_id = %(task_id)s AND f.unsubscribed AND (f.occurrence_id, f.seq) > (%(after_occurrence)s, %(after_seq)s)
ORDER BY f.occurrence_id, f.seq LIMIT %(limit)s;
