-- name: message
-- A message with its task and its start. The sender's host stands in the attempt that sent it.
SELECT m.occurrence_id, m.seq, m.address, m.tries, m.smtp_code, m.smtp_text, m.changed_at,
       CASE WHEN p.pending THEN coalesce(c.standing, 'queued') ELSE m.state::text END AS status,
       CASE WHEN p.pending THEN c.next_try_at END AS next_try_at,
       CASE WHEN p.pending THEN coalesce(c.why, '') ELSE '' END AS chunk_reason,
       CASE WHEN p.pending THEN c.why_explained END AS chunk_reason_explained,
       o.number AS start, o.frozen_at AS queued_at, t.id AS task_id, t.name AS task, t.type AS task_type, t.deleted_at,
       t.sender, t.sender_domain, t.template, a.host, a.run_id
FROM message m
JOIN occurrence o ON o.id = m.occurrence_id
JOIN send_task t ON t.id = o.task_id
LEFT JOIN attempt a ON a.id = m.attempt_id
CROSS JOIN LATERAL (SELECT m.state IN ('queued', 'requeued', 'sending') AS pending) p
LEFT JOIN LATERAL (
    SELECT * FROM chunk_now c WHERE p.pending AND c.task_id = o.task_id AND c.occurrence_id = m.occurrence_id
                                AND m.seq BETWEEN c.first_seq AND c.last_seq LIMIT 1
) c ON true
WHERE m.occurrence_id = %(occurrence_id)s AND m.seq = %(seq)s;

-- name: events
-- Of every partition, by its index of messages; opens and clicks have their verdict, and a click its target. A time that
-- cannot be right (the clock of a mail server that is years away) is shown as it was told, in the order of the arrival.
SELECT e.event_key, e.occurred_at, e.received_at, e.kind, e.hard, e.source, e.provider_kind, e.reason, e.status, e.diagnostic,
       e.raw, e.verdict, e.rule
FROM (
    SELECT event_key::text AS event_key, occurrence_id, occurred_at, received_at, kind::text AS kind, hard, source, provider_kind,
           reason, status, diagnostic, CASE WHEN %(with_raw)s THEN raw ELSE '' END AS raw, '' AS verdict, '' AS rule
    FROM message_event WHERE occurrence_id = %(occurrence_id)s AND seq = %(seq)s
    UNION ALL
    SELECT g.event_key::text, g.occurrence_id, g.happened_at, g.received_at, g.kind::text, false, g.source, '', NULL, NULL,
           coalesce(l.target, ''),
           CASE WHEN %(with_raw)s AND g.user_agent IS NOT NULL THEN concat_ws(' ', host(g.ip), g.user_agent) ELSE '' END,
           (ARRAY['unknown', 'person', 'machine'])[g.verdict + 1], g.rule
    FROM engagement g LEFT JOIN tracked_link l ON l.id = g.link_id
    WHERE g.occurrence_id = %(occurrence_id)s AND g.seq = %(seq)s
) e JOIN occurrence o ON o.id = e.occurrence_id
ORDER BY CASE WHEN e.occurred_at BETWEEN o.frozen_at AND e.received_at THEN e.occurred_at ELSE e.received_at END,
         e.received_at, e.event_key LIMIT %(limit)s;

-- name: messages_to
-- What one address got from all tasks, the newest start first, by the index of addresses; the address may stand in the
-- ledger as a hash, when its person was erased. Found first of all (OFFSET 0), then looked up in what they belong to.
SELECT m.occurrence_id, m.seq, m.address, m.tries, m.smtp_code, m.smtp_text, m.changed_at,
       CASE WHEN m.state IN ('queued', 'requeued', 'sending') THEN 'pending' ELSE m.state::text END AS status,
       o.number AS start, o.frozen_at AS queued_at, t.id AS task_id, t.name AS task, t.type AS task_type, t.deleted_at
FROM (
    SELECT * FROM (
        SELECT occurrence_id, seq, address, tries, smtp_code, smtp_text, changed_at, state FROM message
        WHERE address_key = ANY(%(address_keys)s) OFFSET 0
    ) every
    WHERE (occurrence_id, seq) < (%(before_occurrence)s, %(before_seq)s)
    ORDER BY occurrence_id DESC, seq DESC LIMIT %(limit)s
) m
JOIN occurrence o ON o.id = m.occurrence_id
JOIN send_task t ON t.id = o.task_id
ORDER BY m.occurrence_id DESC, m.seq DESC;

-- name: count_to
SELECT count(*) FROM message WHERE address_key = ANY(%(address_keys)s);

-- name: messages_of_test
-- The keys of a test send's messages, at most 20.
SELECT o.id AS occurrence_id, m.seq
FROM send_task t JOIN occurrence o ON o.task_id = t.id JOIN message m ON m.occurrence_id = o.id
WHERE t.name = %(name)s AND t.type = 'test' AND t.deleted_at IS NULL
ORDER BY m.seq LIMIT 20;
