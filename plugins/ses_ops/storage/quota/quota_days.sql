-- name: ensure_domain
INSERT INTO sender_domain (domain) VALUES (%(domain)s) ON CONFLICT DO NOTHING;

-- name: lock_domain
SELECT FROM sender_domain WHERE domain = %(domain)s FOR NO KEY UPDATE;

-- name: used_beside
-- Who edits a plan's time zone or day length makes other days: what was sent on those that overlap this one counts on it
-- too. No day is longer than 25 hours.
SELECT coalesce(sum(reserved), 0)::bigint AS reserved, coalesce(sum(used), 0)::bigint AS used FROM quota_day
WHERE sender_domain = %(domain)s AND ends_at > %(starts_at)s
  AND starts_at < %(ends_at)s AND starts_at > %(starts_at)s::timestamptz - interval '26 hours'
  AND (starts_at, ends_at) IS DISTINCT FROM (%(starts_at)s, %(ends_at)s);

-- name: rehearsal_began_at
SELECT rehearsal_began_at FROM sender_domain WHERE domain = %(domain)s AND rehearsal_key = %(key)s;

-- name: begin_rehearsal
-- The first reservation of a rehearsal begins its first day; the row lock makes that one moment.
UPDATE sender_domain SET
    rehearsal_began_at = CASE WHEN rehearsal_key = %(key)s THEN rehearsal_began_at ELSE clock_timestamp() END,
    rehearsal_key = %(key)s
WHERE domain = %(domain)s
RETURNING rehearsal_began_at;

-- name: ensure_day
INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment)
VALUES (%(domain)s, %(starts_at)s, %(ends_at)s, %(number)s, %(allotment)s)
ON CONFLICT (sender_domain, starts_at, ends_at) DO NOTHING;

-- name: lock_day
-- Everybody who reserves from this day waits here for the others. The plan may have been edited: take today's word.
UPDATE quota_day SET allotment = %(allotment)s, number = %(number)s
WHERE sender_domain = %(domain)s AND starts_at = %(starts_at)s AND ends_at = %(ends_at)s
RETURNING id, allotment, reserved, used, clock_timestamp();

-- name: add_reservation
UPDATE quota_day SET reserved = reserved + %(count)s WHERE id = %(id)s;

-- name: day
SELECT allotment, reserved, used FROM quota_day
WHERE sender_domain = %(domain)s AND starts_at = %(starts_at)s AND ends_at = %(ends_at)s;

-- name: sent_in_open_chunks
-- Part of what is reserved today has already left; it is counted as used when its chunk is released.
SELECT coalesce(sum(c.sent + c.unknown - c.used_before), 0)::bigint
FROM chunk c JOIN quota_day q ON q.id = c.quota_day_id
WHERE c.state = 'reserved' AND q.sender_domain = %(domain)s AND q.starts_at = %(starts_at)s;

-- name: backlog
-- Waiting mail of a domain, in the order in which it will be served: one row for what one run of a task cached, however
-- many chunks that is. `stopped`: a person has to act first; `reserved`: it has its part of the quota and waits for a
-- sender. Two parts, because each has its index.
SELECT t.name AS task, c.cached_at, c.due_at, c.standing, c.state = 'reserved' AS reserved, sum(c.pending)::bigint AS pending,
       t.paused_at IS NOT NULL OR t.error IS NOT NULL AS stopped
FROM (
    SELECT * FROM chunk_now WHERE state = 'cached' AND sender_domain = %(domain)s
    UNION ALL SELECT * FROM chunk_now WHERE state = 'reserved' AND sender_domain = %(domain)s
) c JOIN send_task t ON t.id = c.task_id
WHERE c.standing IN ('cached', 'retrying', 'queued') AND t.type <> 'test'
GROUP BY t.id, c.cached_at, c.due_at, c.standing, c.state
ORDER BY c.cached_at NULLS LAST, min(c.occurrence_id), min(c.first_seq);

-- name: domains
SELECT domain FROM sender_domain
UNION SELECT sender_domain FROM send_task WHERE deleted_at IS NULL ORDER BY 1;

-- name: history
SELECT number, starts_at, ends_at, allotment, reserved, used FROM quota_day
WHERE sender_domain = %(domain)s ORDER BY starts_at DESC LIMIT %(limit)s;
