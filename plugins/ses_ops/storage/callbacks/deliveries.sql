-- name: deliveries
-- The last posts, newest first, by the index of the endpoint or over all partitions.
SELECT e.name AS endpoint, d.event_key::text AS event_key, d.occurred_at, d.occurrence_id, d.seq, d.kind, d.entered_at,
       d.ended_at, d.outcome, d.tries, d.status, d.answer, d.took_ms
FROM callback_delivery d JOIN callback_endpoint e ON e.id = d.endpoint_id
WHERE e.deleted_at IS NULL AND (%(endpoint)s::text IS NULL OR e.name = %(endpoint)s)
  AND (NOT %(not_delivered)s OR d.outcome <> 'delivered')
ORDER BY d.ended_at DESC, d.event_key LIMIT %(limit)s;

-- name: waiting
-- Events that wait after a failed try, those tried last first.
SELECT e.name AS endpoint, w.event_key::text AS event_key, w.occurred_at, w.occurrence_id, w.seq, w.kind, w.entered_at,
       w.next_at, w.tries, w.last_status AS status, w.last_answer AS answer
FROM callback_endpoint e CROSS JOIN LATERAL (
    SELECT * FROM callback_waiting w WHERE w.endpoint_id = e.id ORDER BY w.next_at, w.id LIMIT 2000
) w
WHERE e.deleted_at IS NULL AND (%(endpoint)s::text IS NULL OR e.name = %(endpoint)s) AND w.tries > 0
ORDER BY w.next_at, w.id LIMIT %(limit)s;

-- name: outcome_of
SELECT outcome, status, answer, took_ms FROM callback_delivery
WHERE endpoint_id = %(endpoint_id)s AND event_key = %(event_key)s ORDER BY ended_at DESC LIMIT 1;

-- name: tried
SELECT tries, last_status, last_answer FROM callback_waiting
WHERE endpoint_id = %(endpoint_id)s AND event_key = %(event_key)s;

-- name: replay
-- Posts that are made again, with the ids that they had, in the order of their events.
INSERT INTO callback_waiting (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind)
SELECT endpoint_id, event_key, occurred_at, occurrence_id, seq, kind FROM (
    SELECT DISTINCT ON (d.endpoint_id, d.event_key) d.endpoint_id, d.event_key, d.occurred_at, d.occurrence_id, d.seq,
           d.kind, d.entered_at
    FROM callback_delivery d
    WHERE d.endpoint_id = %(endpoint_id)s AND d.outcome <> 'gone' AND d.kind <> 'test'
      AND (%(event_key)s::uuid IS NULL OR d.event_key = %(event_key)s::uuid)
      AND d.occurred_at >= %(since)s AND d.occurred_at < %(until)s AND (NOT %(not_delivered)s OR d.outcome <> 'delivered')
      AND (NOT %(not_delivered)s OR NOT EXISTS (
          SELECT FROM callback_delivery y WHERE y.endpoint_id = d.endpoint_id AND y.occurrence_id = d.occurrence_id
             AND y.seq = d.seq AND y.event_key = d.event_key AND y.outcome = 'delivered'))
    ORDER BY d.endpoint_id, d.event_key, d.ended_at DESC
) r ORDER BY entered_at, occurred_at, event_key
ON CONFLICT (endpoint_id, event_key) DO NOTHING;

-- name: replay_events
-- Events that an endpoint never had, such as those from before it was added, from what is stored of them.
INSERT INTO callback_waiting (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind)
SELECT e.id, v.event_key, v.occurred_at, v.occurrence_id, v.seq, v.kind
FROM callback_endpoint e
CROSS JOIN LATERAL (
    SELECT event_key, occurred_at, occurrence_id, seq, kind::text AS kind FROM message_event
    WHERE occurred_at >= %(since)s AND occurred_at < %(until)s
    UNION ALL
    SELECT event_key, occurred_at, occurrence_id, seq, kind::text FROM engagement
    WHERE occurred_at >= %(since)s AND occurred_at < %(until)s
) v
JOIN occurrence o ON o.id = v.occurrence_id
JOIN send_task t ON t.id = o.task_id
LEFT JOIN message_feedback f ON f.occurrence_id = v.occurrence_id AND f.seq = v.seq
WHERE e.id = %(endpoint_id)s AND (e.kinds = '{}' OR v.kind = ANY(e.kinds))
  AND (e.sender_domain IS NULL OR e.sender_domain = coalesce(f.sender_domain, t.sender_domain))
  AND NOT EXISTS (SELECT FROM callback_delivery d WHERE d.occurrence_id = v.occurrence_id AND d.seq = v.seq
                  AND d.endpoint_id = e.id AND d.event_key = v.event_key)
ORDER BY v.occurred_at, v.event_key
ON CONFLICT (endpoint_id, event_key) DO NOTHING;

-- name: keep_days
SELECT keep_callback_days(%(days)s);

-- name: clear_default
DELETE FROM callback_delivery_default WHERE ended_at < now() - make_interval(days => %(days)s);
