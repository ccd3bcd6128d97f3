-- name: used_beside
-- Who edits a plan's time zone or day length makes other days: what was sent on those that overlap this one counts on it
-- too. No day is longer than 25 hours.
SELECT coalesce(sum(reserved), 0)::bigint AS reserved, coalesce(sum(used), 0)::bigint AS used,
       coalesce(sum(single), 0)::bigint AS single FROM quota_day
WHERE sender_domain = %(domain)s AND ends_at > %(starts_at)s
  AND starts_at < %(ends_at)s AND starts_at > %(starts_at)s::timestamptz - interval '26 hours'
  AND (starts_at, ends_at) IS DISTINCT FROM (%(starts_at)s, %(ends_at)s);

-- name: ensure_day
INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment)
VALUES (%(domain)s, %(starts_at)s, %(ends_at)s, %(number)s, %(allotment)s)
ON CONFLICT (sender_domain, starts_at, ends_at) DO NOTHING;

-- name: lock_day
-- Everybody who reserves from this day waits here for the others. The plan may have been edited: take today's word.
UPDATE quota_day SET allotment = %(allotment)s, number = %(number)s
WHERE sender_domain = %(domain)s AND starts_at = %(starts_at)s AND ends_at = %(ends_at)s
RETURNING id, reserved, used, single, clock_timestamp() AS now;

-- name: add_reservation
UPDATE quota_day SET reserved = reserved + %(count)s WHERE id = %(id)s;

-- name: day
SELECT reserved, used, single FROM quota_day
WHERE sender_domain = %(domain)s AND starts_at = %(starts_at)s AND ends_at = %(ends_at)s;

-- name: sent_in_open_chunks
-- Part of what is reserved today has already left; it is counted as used when its chunk is released.
SELECT coalesce(sum(c.sent + c.unknown - c.used_before), 0)::bigint
FROM chunk c JOIN quota_day q ON q.id = c.quota_day_id
WHERE c.state = 'reserved' AND q.sender_domain = %(domain)s AND q.starts_at = %(starts_at)s;

-- name: history
SELECT number, starts_at, ends_at, allotment, reserved, used, single FROM quota_day
WHERE sender_domain = %(domain)s ORDER BY starts_at DESC LIMIT %(limit)s;
