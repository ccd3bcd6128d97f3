-- name: sent_since
-- Messages that servers accepted, by the attempts that ended since: no message is read.
SELECT coalesce(sum(coalesce(a.sent, CASE WHEN a.id = c.attempt_id THEN greatest(0, c.sent::bigint - a.sent_before) END, 0)), 0)::bigint
FROM attempt a JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id
WHERE a.started_at >= %(since)s AND t.type <> 'test';

-- name: unmatched
-- What waits for a person, the newest first; its size in place of its source, which may be long.
SELECT id, source, source_id, received_at, kind::text AS kind, why, why_explained, octet_length(raw) AS size,
       closed_at, closed_by
FROM unmatched_event
WHERE closed_at IS NULL AND (%(source)s::text IS NULL OR source = %(source)s)
ORDER BY received_at DESC, id DESC OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_unmatched
SELECT count(*) FROM (
    SELECT FROM unmatched_event WHERE closed_at IS NULL AND (%(source)s::text IS NULL OR source = %(source)s) LIMIT %(most)s
) open;

-- name: one_unmatched
SELECT id, source, source_id, received_at, kind::text AS kind, why, why_explained, octet_length(raw) AS size,
       closed_at, closed_by, raw
FROM unmatched_event WHERE id = %(id)s;

-- name: close
UPDATE unmatched_event SET closed_at = now(), closed_by = %(by)s WHERE id = ANY(%(ids)s) AND closed_at IS NULL;

-- name: held
-- What the storm guard holds back, by mailbox provider and reason, with some addresses of each.
SELECT mailbox_provider, reason, count(*)::int AS count, min(held_at) AS first_at, max(held_at) AS last_at,
       (array_agg(address ORDER BY held_at DESC))[1:3] AS addresses, (array_agg(note ORDER BY held_at DESC))[1] AS note
FROM suppression_held GROUP BY mailbox_provider, reason ORDER BY count(*) DESC, mailbox_provider;
