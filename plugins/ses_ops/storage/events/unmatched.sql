-- name: insert
INSERT INTO unmatched_event (event_key, source, source_id, kind, why, why_explained, raw)
VALUES (%(event_key)s::uuid, %(source)s, %(source_id)s, %(kind)s::event_kind, %(why)s, %(why_explained)s::jsonb, %(raw)s)
ON CONFLICT (event_key) DO NOTHING;

-- name: page
SELECT id, source, source_id, received_at, kind::text, why, why_explained, octet_length(raw) AS size, closed_at, closed_by
FROM unmatched_event
WHERE (%(source)s::text IS NULL OR source = %(source)s) AND (%(closed)s OR closed_at IS NULL)
  AND (received_at, id) < (%(before_at)s, %(before_id)s)
ORDER BY received_at DESC, id DESC LIMIT %(limit)s;

-- name: one
SELECT id, source, source_id, received_at, kind::text, why, why_explained, octet_length(raw) AS size, closed_at, closed_by,
       raw
FROM unmatched_event WHERE id = %(id)s;

-- name: count_open
SELECT count(*)::int FROM (
    SELECT FROM unmatched_event WHERE closed_at IS NULL AND (%(source)s::text IS NULL OR source = %(source)s) LIMIT %(most)s
) few;

-- name: close
UPDATE unmatched_event SET closed_at = now(), closed_by = %(by)s WHERE id = ANY(%(ids)s) AND closed_at IS NULL;

-- name: forget
-- Of the oldest ones, as their ids tell; the rest another time.
DELETE FROM unmatched_event WHERE id IN (
    SELECT id FROM (SELECT id, received_at FROM unmatched_event ORDER BY id LIMIT %(most)s) oldest
    WHERE received_at < %(kept_from)s::date::timestamp AT TIME ZONE 'UTC');
