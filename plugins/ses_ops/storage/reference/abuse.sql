-- name: complaints
-- Complaints of a span of time, the newest first, and their number. A message of a single mail has the name that its
-- client knows, one of a send task OCCURRENCE-SEQ.
SELECT e.occurred_at, e.received_at, e.source, m.address, m.changed_at AS sent_at, coalesce(s.sender, t.sender) AS sender,
       t.sender_domain, coalesce(s.subject, t.subject, '') AS subject, coalesce(p.id, 0) AS template_id,
       coalesce(s.reference_id, s.id::text, m.occurrence_id || '-' || m.seq) AS message_id, count(*) OVER ()::int AS total
FROM message_event e
JOIN message m ON m.occurrence_id = e.occurrence_id AND m.seq = e.seq
JOIN occurrence o ON o.id = e.occurrence_id
JOIN send_task t ON t.id = o.task_id
LEFT JOIN LATERAL (
    SELECT * FROM single_message s WHERE s.occurrence_id = e.occurrence_id AND s.first_seq <= e.seq
    ORDER BY s.first_seq DESC LIMIT 1
) s ON s.first_seq + s.recipient_count > e.seq
LEFT JOIN stored_template p ON p.name = coalesce(s.template, t.template) AND p.deleted_at IS NULL
WHERE e.kind = 'complained' AND e.received_at >= %(since)s AND e.received_at < %(until)s AND t.counted
  AND (%(domains)s::text[] IS NULL OR t.sender_domain = ANY(%(domains)s))
  AND (%(sender)s::text IS NULL OR strpos(lower(coalesce(s.sender, t.sender)), lower(%(sender)s)) > 0)
  AND (%(recipient_key)s::text IS NULL OR m.address_key = %(recipient_key)s)
  AND (%(mailbox_domain)s::text IS NULL OR split_part(m.address_key, '@', 2) = %(mailbox_domain)s)
  AND (%(template_id)s::bigint IS NULL OR p.id = %(template_id)s)
ORDER BY e.received_at DESC, e.event_key OFFSET %(offset)s LIMIT %(limit)s;
