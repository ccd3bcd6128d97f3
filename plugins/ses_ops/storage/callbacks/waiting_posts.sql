-- name: enqueue
-- A row for each endpoint that wants the event. Without endpoints it is a look at an empty table.
INSERT INTO callback_waiting (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind)
SELECT e.id, r.event_key, r.occurred_at, r.occurrence_id, r.seq, r.kind
FROM json_to_recordset(%(events)s::json) AS r (
    place int, event_key uuid, occurred_at timestamptz, occurrence_id bigint, seq int, kind text, sender_domain text)
JOIN callback_endpoint e ON e.deleted_at IS NULL AND (e.sender_domain IS NULL OR e.sender_domain = r.sender_domain)
                        AND (e.kinds = '{}' OR r.kind = ANY(e.kinds))
ORDER BY r.place, e.id
ON CONFLICT (endpoint_id, event_key) DO NOTHING;

-- name: any_endpoint
SELECT EXISTS (SELECT FROM callback_endpoint WHERE deleted_at IS NULL);

-- name: enqueue_refused
-- The messages of an attempt that a server refused for good while they were sent. The key follows from attempt and
-- message, so what was told once is not told again when the end of an attempt is written a second time.
INSERT INTO callback_waiting (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind)
SELECT e.id, k.event_key, coalesce(m.changed_at, now()), m.occurrence_id, m.seq, 'refused'
FROM attempt a
JOIN chunk c ON c.id = a.chunk_id
JOIN callback_endpoint e ON e.deleted_at IS NULL AND (e.kinds = '{}' OR 'refused' = ANY(e.kinds))
                        AND (e.sender_domain IS NULL OR e.sender_domain = c.sender_domain)
JOIN message m ON m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
              AND m.state = 'failed' AND m.attempt_id = a.id AND m.smtp_code IS NOT NULL
CROSS JOIN LATERAL (SELECT md5('refused ' || a.id || ' ' || m.occurrence_id || ' ' || m.seq)::uuid AS event_key) k
WHERE a.id = %(attempt_id)s
  AND NOT EXISTS (SELECT FROM callback_delivery d WHERE d.occurrence_id = m.occurrence_id AND d.seq = m.seq
                  AND d.endpoint_id = e.id AND d.event_key = k.event_key)
ORDER BY m.seq, e.id
ON CONFLICT (endpoint_id, event_key) DO NOTHING;

-- name: enqueue_test
INSERT INTO callback_waiting (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind)
VALUES (%(endpoint_id)s, gen_random_uuid(), now(), 0, (random() * 2000000000)::int, 'test') RETURNING event_key::text;

-- name: claim
-- The next events of an endpoint, for as long as the lease. An event whose message has an earlier one waiting there is not
-- given out, but looked at again after the earlier one's time. Two deliverers pass over each other's rows.
WITH due AS (
    SELECT w.id, w.occurrence_id, w.seq FROM callback_waiting w
    WHERE w.endpoint_id = %(endpoint_id)s AND w.next_at <= now()
    ORDER BY w.next_at, w.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), placed AS (
    SELECT d.id, e.next_at AS after FROM due d LEFT JOIN LATERAL (
        SELECT w.next_at FROM callback_waiting w
        WHERE w.endpoint_id = %(endpoint_id)s AND w.occurrence_id = d.occurrence_id AND w.seq = d.seq AND w.id < d.id
        ORDER BY w.id LIMIT 1
    ) e ON true
)
UPDATE callback_waiting w
SET next_at = CASE WHEN p.after IS NULL THEN now() + %(lease)s::interval ELSE greatest(p.after, now()) + interval '1 second' END,
    lease = w.lease + CASE WHEN p.after IS NULL THEN 1 ELSE 0 END
FROM placed p WHERE w.id = p.id
RETURNING p.after IS NOT NULL AS behind, w.id, w.event_key::text AS event_key, w.occurred_at, w.occurrence_id, w.seq,
          w.kind, w.entered_at, w.lease, w.tries;

-- name: give_back
-- What was taken and not tried.
UPDATE callback_waiting w SET next_at = now()
FROM unnest(%(ids)s::bigint[], %(leases)s::int[]) AS r (id, lease) WHERE w.id = r.id AND w.lease = r.lease;

-- name: ended
-- Ends what was delivered whoever says so, and what failed only by the last who took it. The next event of each message
-- may be posted now.
WITH ended AS (
    DELETE FROM callback_waiting w
    USING json_to_recordset(%(ended)s::json) AS r (id bigint, lease int, outcome text, status smallint, answer text, took_ms int)
    WHERE w.id = r.id AND (w.lease = r.lease OR r.outcome = 'delivered')
    RETURNING w.id, w.endpoint_id, w.event_key, w.occurred_at, w.occurrence_id, w.seq, w.kind, w.entered_at, w.tries,
              r.outcome, r.status, r.answer, r.took_ms
), next AS (
    UPDATE callback_waiting w SET next_at = now() FROM ended d
    WHERE w.id = (SELECT min(n.id) FROM callback_waiting n WHERE n.endpoint_id = d.endpoint_id
                  AND n.occurrence_id = d.occurrence_id AND n.seq = d.seq AND n.id > d.id)
      AND w.tries = 0 AND w.next_at > now()
)
INSERT INTO callback_delivery (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at, outcome, tries,
                               status, answer, took_ms)
SELECT endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at, outcome, tries + 1, status, answer, took_ms
FROM ended;

-- name: failed
-- Tries that failed: again after a while.
UPDATE callback_waiting w SET next_at = now() + make_interval(secs => r.after), tries = w.tries + r.tried,
    last_status = r.status, last_answer = r.answer
FROM json_to_recordset(%(failed)s::json) AS r (id bigint, lease int, after float, tried smallint, status smallint, answer text)
WHERE w.id = r.id AND w.lease = r.lease;

-- name: expire
-- What has waited for longer than events are kept, some at a time; for endpoints that were removed at once, without a trace.
WITH old AS (
    SELECT w.id FROM callback_waiting w WHERE w.entered_at < now() - make_interval(days => %(days)s) OR NOT EXISTS (
        SELECT FROM callback_endpoint e WHERE e.id = w.endpoint_id AND e.deleted_at IS NULL)
    ORDER BY w.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM callback_waiting w USING old WHERE w.id = old.id
    RETURNING w.endpoint_id, w.event_key, w.occurred_at, w.occurrence_id, w.seq, w.kind, w.entered_at, w.tries,
              w.last_status, w.last_answer
), logged AS (
    INSERT INTO callback_delivery (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at, outcome,
                                   tries, status, answer)
    SELECT g.endpoint_id, g.event_key, g.occurred_at, g.occurrence_id, g.seq, g.kind, g.entered_at, 'expired', g.tries,
           g.last_status, g.last_answer
    FROM gone g JOIN callback_endpoint e ON e.id = g.endpoint_id AND e.deleted_at IS NULL
)
SELECT count(*) FROM gone;
