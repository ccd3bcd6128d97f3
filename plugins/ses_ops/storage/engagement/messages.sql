-- name: messages
-- The messages that opens and clicks name, what their counts are kept by (as in storage/events/recording.sql: the quota day
-- of their attempt, also where the outcome was written after its end), and when they were sent and delivered. The provider's
-- word of the delivery is looked for in the months in which it can stand, and only where there is one.
SELECT m.occurrence_id, m.seq, m.address, m.address_key, o.task_id,
       coalesce(s.sender_domain, d.sender_domain) AS sender_domain,
       coalesce(s.starts_at, q.starts_at, date_trunc('day', coalesce(m.changed_at, now()), 'UTC')) AS sent_day,
       p.mailbox_provider AS known_provider,
       CASE WHEN m.state IN ('sent', 'unknown') THEN m.changed_at END AS sent_at, e.delivered_at
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
LEFT JOIN mailbox_provider p ON p.domain = substring(m.address_key FROM '[^@]*$')
LEFT JOIN message_feedback b ON b.occurrence_id = m.occurrence_id AND b.seq = m.seq
LEFT JOIN LATERAL (
    SELECT min(v.occurred_at) AS delivered_at FROM message_event v
    WHERE b.delivered AND v.occurrence_id = m.occurrence_id AND v.seq = m.seq AND v.kind = 'delivered'
      AND v.occurred_at >= m.changed_at - interval '1 day' AND v.occurred_at < m.changed_at + interval '10 days'
) e ON b.delivered;

-- name: engaged
-- Of some messages those that have opens or clicks.
SELECT e.occurrence_id, e.seq
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN message_engagement e ON e.occurrence_id = k.occurrence_id AND e.seq = k.seq;

-- name: recently_engaged
-- Messages with an event that came since a moment and has its device data still, after a key.
SELECT DISTINCT occurrence_id, seq FROM engagement
WHERE received_at >= %(since)s AND user_agent IS NOT NULL AND (occurrence_id, seq) > (%(occurrence_id)s, %(seq)s)
ORDER BY occurrence_id, seq LIMIT %(limit)s;
