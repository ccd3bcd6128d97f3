-- name: settled_until
-- The moment before which no writer under way can still add an event. `received_at` is read after the writer's
-- transaction has begun, so the beginning of the oldest one bounds it: of those that have written, and of young ones that
-- may be about to. Sessions of another role show no moment to this one; for those a second has to be enough.
SELECT least(clock_timestamp() - interval '1 second', min(xact_start))
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND (backend_xid IS NOT NULL OR xact_start > clock_timestamp() - interval '10 seconds');

-- name: arrived
-- The next events by their arrival, of all partitions by an index, before anything is filtered: the work of a poll is
-- bounded by `window`, whatever it asks for. A click has its target.
SELECT e.received_at, e.event_key::text AS event_key, e.occurred_at, e.occurrence_id, e.seq, e.kind, e.hard, e.source,
       e.provider_kind, e.reason, e.status, e.diagnostic, e.verdict, coalesce(l.target, '') AS link,
       coalesce(m.address, '') AS address, t.name AS task, t.type AS task_type,
       coalesce(s.sender_domain, t.sender_domain) AS sender_domain, s.id::text AS message_id, s.reference, s.key_id,
       coalesce(s.tags, '{}') AS tags
FROM (
    (SELECT received_at, event_key, occurred_at, occurrence_id, seq, kind::text AS kind, hard, source, provider_kind,
            coalesce(reason, '') AS reason, coalesce(status, '') AS status, diagnostic, '' AS verdict, NULL::bigint AS link_id
     FROM message_event
     WHERE (received_at, event_key) > (%(after)s, %(after_key)s::uuid) AND received_at < %(until)s
     ORDER BY received_at, event_key LIMIT %(window)s)
    UNION ALL
    (SELECT received_at, event_key, happened_at, occurrence_id, seq, kind::text, false, source, '', '', '', '',
            (ARRAY['unknown', 'person', 'machine'])[verdict + 1], link_id
     FROM engagement
     WHERE (received_at, event_key) > (%(after)s, %(after_key)s::uuid) AND received_at < %(until)s
     ORDER BY received_at, event_key LIMIT %(window)s)
    ORDER BY received_at, event_key LIMIT %(window)s
) e
JOIN occurrence o ON o.id = e.occurrence_id
JOIN send_task t ON t.id = o.task_id
LEFT JOIN message m ON m.occurrence_id = e.occurrence_id AND m.seq = e.seq
LEFT JOIN tracked_link l ON l.id = e.link_id
LEFT JOIN LATERAL (
    SELECT * FROM single_message s
    WHERE t.type = 'api' AND s.occurrence_id = e.occurrence_id AND s.first_seq <= e.seq
    ORDER BY s.first_seq DESC LIMIT 1
) s ON s.first_seq + s.recipient_count > e.seq
ORDER BY e.received_at, e.event_key;
