-- name: mail_status
-- Recipients of single messages that were accepted in a span of time, and with an address also of send tasks, whose
-- message has the name OCCURRENCE-SEQ. What is known of the page's messages is looked up for these alone.
WITH found AS (
    SELECT coalesce(s.reference_id, s.id::text) AS message_id, coalesce(s.sender, '') AS sender, s.accepted_at AS requested_at,
           m.occurrence_id, m.seq, m.address, m.state::text AS state, m.smtp_code, m.smtp_text, m.changed_at, s.sender_domain
    FROM single_message s
    JOIN message m ON m.occurrence_id = s.occurrence_id AND m.seq BETWEEN s.first_seq AND s.first_seq + s.recipient_count - 1
    WHERE s.accepted_at >= %(since)s AND s.accepted_at < %(until)s
      AND (%(domains)s::text[] IS NULL OR s.sender_domain = ANY(%(domains)s))
      AND (%(reference_id)s::text IS NULL OR s.reference_id = %(reference_id)s)
      AND (%(id)s::uuid IS NULL OR s.id = %(id)s)
      AND (%(address_keys)s::text[] IS NULL OR m.address_key = ANY(%(address_keys)s))
    UNION ALL
    SELECT m.occurrence_id || '-' || m.seq, t.sender, coalesce(o.frozen_at, o.created_at), m.occurrence_id, m.seq, m.address, m.state::text,
           m.smtp_code, m.smtp_text, m.changed_at, t.sender_domain
    FROM message m JOIN occurrence o ON o.id = m.occurrence_id JOIN send_task t ON t.id = o.task_id
    WHERE %(of_tasks)s AND t.listed
      AND (%(address_keys)s::text[] IS NULL OR m.address_key = ANY(%(address_keys)s))
      AND (%(occurrence_id)s::bigint IS NULL OR (m.occurrence_id = %(occurrence_id)s AND m.seq = %(seq)s))
      AND coalesce(o.frozen_at, o.created_at) >= %(since)s AND coalesce(o.frozen_at, o.created_at) < %(until)s
      AND (%(domains)s::text[] IS NULL OR t.sender_domain = ANY(%(domains)s))
), page AS (
    SELECT * FROM found ORDER BY requested_at, message_id, seq OFFSET %(offset)s LIMIT %(limit)s
)
SELECT p.message_id, p.sender, p.requested_at, p.address, p.state, p.smtp_code, p.smtp_text, p.changed_at,
       coalesce(f.outcome, 0) AS outcome, coalesce(f.complained, false) AS complained,
       coalesce(f.unsubscribed, false) AS unsubscribed, f.last_at AS told_at, coalesce(w.diagnostic, '') AS told,
       coalesce(e.opens_people + e.opens_unknown + e.clicks_people + e.clicks_unknown, 0) > 0 AS opened,
       coalesce(e.clicks_people + e.clicks_unknown, 0) > 0 AS clicked,
       p.state = 'suppressed' AND EXISTS (
           SELECT FROM suppression s WHERE s.address_key = lower(p.address) AND s.reason = 'unsubscribe'
                                       AND s.scope IN ('', p.sender_domain)) AS has_left
FROM page p
LEFT JOIN message_feedback f ON f.occurrence_id = p.occurrence_id AND f.seq = p.seq
LEFT JOIN message_engagement e ON e.occurrence_id = p.occurrence_id AND e.seq = p.seq
LEFT JOIN LATERAL (
    SELECT diagnostic FROM message_event v
    WHERE f.outcome IN (1, 2, 4, 5, 6) AND v.occurrence_id = p.occurrence_id AND v.seq = p.seq AND v.diagnostic <> ''
    ORDER BY v.hard DESC, v.occurred_at DESC LIMIT 1
) w ON true
ORDER BY p.requested_at, p.message_id, p.seq;
