-- name: endpoints
-- Those that are not removed, with what waits for each: counted up to a bound, because a million may wait.
SELECT e.id, e.name, e.url, e.sender_domain, e.format, e.kinds, e.concurrency, e.per_second, e.created_at, e.created_by,
       e.paused_at, e.failing_since, e.last_success_at, e.stopped_at, e.stopped_why, e.stopped_why_explained,
       e.former_until, w.waiting, w.oldest_at
FROM callback_endpoint e CROSS JOIN LATERAL (
    SELECT count(*)::int AS waiting, min(x.entered_at) AS oldest_at
    FROM (SELECT entered_at FROM callback_waiting WHERE endpoint_id = e.id ORDER BY next_at, id LIMIT %(most)s) x
) w
WHERE e.deleted_at IS NULL AND (%(name)s::text IS NULL OR e.name = %(name)s) ORDER BY e.name;

-- name: active
-- What a deliverer posts to now, with the secrets that are valid.
SELECT e.id, e.name, e.url, e.format, e.concurrency, e.per_second, e.failing_since,
       e.failing_since < now() - make_interval(days => %(stop_after_days)s) AS failing_too_long, e.secret,
       CASE WHEN e.former_until > now() THEN e.former_secret END AS former_secret
FROM callback_endpoint e
WHERE e.deleted_at IS NULL AND e.paused_at IS NULL AND e.stopped_at IS NULL ORDER BY e.id;

-- name: insert
INSERT INTO callback_endpoint (name, url, sender_domain, format, kinds, concurrency, per_second, secret, created_by)
VALUES (%(name)s, %(url)s, %(sender_domain)s, %(format)s, %(kinds)s, %(concurrency)s, %(per_second)s, %(secret)s, %(created_by)s)
RETURNING id;

-- name: lock
SELECT id FROM callback_endpoint WHERE name = %(name)s AND deleted_at IS NULL FOR UPDATE;

-- name: rotate
-- A secret that still signs from an earlier rotation ends now: two are valid at once, never three.
UPDATE callback_endpoint SET former_secret = secret, former_until = now() + make_interval(hours => %(hours)s), secret = %(secret)s
WHERE id = %(id)s;

-- name: pause
UPDATE callback_endpoint SET paused_at = now() WHERE id = %(id)s AND paused_at IS NULL;

-- name: resume
-- A person's resume also ends what the deliverer had found. It begins with a single post, as after any outage.
UPDATE callback_endpoint SET paused_at = NULL, stopped_at = NULL, stopped_why = NULL, stopped_why_explained = NULL,
    failing_since = CASE WHEN stopped_at IS NULL THEN failing_since END
WHERE id = %(id)s AND (paused_at IS NOT NULL OR stopped_at IS NOT NULL);

-- name: due_now
-- What waits after a failed try need not wait for its time when a person says that the endpoint is well. Leases end by themselves.
UPDATE callback_waiting SET next_at = now() WHERE endpoint_id = %(id)s AND tries > 0 AND next_at > now() + interval '1 minute';

-- name: remove
UPDATE callback_endpoint SET deleted_at = now(), secret = '', former_secret = NULL, url = %(shown)s WHERE id = %(id)s;

-- name: stop
-- True for one deliverer only, so there is one notice.
UPDATE callback_endpoint SET stopped_at = now(), stopped_why = %(why)s, stopped_why_explained = %(why_explained)s
WHERE id = %(id)s AND stopped_at IS NULL AND deleted_at IS NULL;

-- name: note_failing
UPDATE callback_endpoint SET failing_since = coalesce(failing_since, now()) WHERE id = %(id)s AND failing_since IS NULL;

-- name: note_success
UPDATE callback_endpoint SET failing_since = NULL, last_success_at = now() WHERE id = %(id)s;

-- name: url_of
SELECT url FROM callback_endpoint WHERE id = %(id)s;

-- name: troubled
-- For the banner of the overview: what a person has to look at.
SELECT name, stopped_at IS NOT NULL AS stopped FROM callback_endpoint
WHERE deleted_at IS NULL AND paused_at IS NULL AND (stopped_at IS NOT NULL OR failing_since < now() - interval '1 hour') ORDER BY name;

-- name: beat
INSERT INTO callback_deliverer (name, host) VALUES (%(name)s, %(host)s)
ON CONFLICT (name) DO UPDATE SET beat_at = now(), host = excluded.host;

-- name: forget_deliverers
DELETE FROM callback_deliverer WHERE beat_at < now() - interval '1 day' OR name = %(name)s;

-- name: deliverers
SELECT count(*) FROM callback_deliverer WHERE beat_at > now() - interval '1 minute' AND (%(host)s::text IS NULL OR host = %(host)s);
