-- name: add
-- An entry is never shortened: what lasts for ever stays, what ends can be made to last longer.
INSERT INTO suppression AS s (address_key, address, reason, note, expires_at, added_by)
VALUES (%(address_key)s, %(address)s, %(reason)s, %(note)s, %(expires_at)s, %(added_by)s)
ON CONFLICT (address_key, scope) DO UPDATE SET
    reason = excluded.reason, note = excluded.note, expires_at = excluded.expires_at, added_by = excluded.added_by,
    created_at = now()
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);

-- name: remove
-- Also of a person who was erased, and asks for mail again. One entry, or all of the address.
DELETE FROM suppression
WHERE address_key IN (%(address_key)s, (SELECT erased_address(k, %(address_key)s) FROM erasure_key k))
  AND (%(scope)s::text IS NULL OR scope = %(scope)s);

-- name: find
SELECT address, reason, note, created_at, expires_at, added_by, scope, source,
       expires_at IS NOT NULL AND expires_at <= now() AS expired
FROM suppression
WHERE address_key IN (%(address_key)s, (SELECT erased_address(k, %(address_key)s) FROM erasure_key k))
  AND (%(scope)s::text IS NULL OR scope = %(scope)s)
ORDER BY scope, expires_at DESC NULLS FIRST;

-- name: entries
SELECT s.address, s.reason, s.note, s.created_at, s.expires_at, s.added_by,
       s.expires_at IS NOT NULL AND s.expires_at <= now() AS expired, s.scope, s.source, s.occurrence_id, s.seq,
       t.name AS task
FROM suppression s
LEFT JOIN occurrence o ON o.id = s.occurrence_id
LEFT JOIN send_task t ON t.id = o.task_id
WHERE (%(search)s::text[] IS NULL OR s.address_key LIKE ANY(%(search)s))
  AND (%(reason)s::text IS NULL OR s.reason = %(reason)s)
  AND (%(source)s::text IS NULL OR s.source = %(source)s)
ORDER BY s.created_at DESC, s.address_key, s.scope LIMIT %(limit)s;

-- name: behind
-- A page from a position on, of all scopes or of some: pages stay right while entries come and go.
SELECT s.address, s.reason, s.note, s.created_at, s.expires_at, s.added_by,
       s.expires_at IS NOT NULL AND s.expires_at <= now() AS expired, s.scope, s.source, s.address_key
FROM suppression s
WHERE (%(search)s::text[] IS NULL OR s.address_key LIKE ANY(%(search)s))
  AND (%(reason)s::text IS NULL OR s.reason = %(reason)s)
  AND (%(source)s::text IS NULL OR s.source = %(source)s)
  AND (%(scopes)s::text[] IS NULL OR s.scope = ANY(%(scopes)s))
  AND (%(at)s::timestamptz IS NULL OR s.created_at < %(at)s
       OR (s.created_at = %(at)s AND (s.address_key, s.scope) > (%(key)s, %(scope)s)))
ORDER BY s.created_at DESC, s.address_key, s.scope LIMIT %(limit)s;

-- name: page
-- A page and how many there are, counted up to `most` only: the list is read once, and not to its end. LIKE, because
-- the planner can tell how many rows it finds: a million entries are searched in 0.1 s.
WITH found AS MATERIALIZED (
    SELECT address, reason, note, created_at, expires_at, added_by,
           expires_at IS NOT NULL AND expires_at <= now() AS expired, scope, source, occurrence_id, seq, address_key
    FROM suppression
    WHERE (%(search)s::text[] IS NULL OR address_key LIKE ANY(%(search)s))
      AND (%(reason)s::text IS NULL OR reason = %(reason)s)
      AND (%(source)s::text IS NULL OR source = %(source)s)
    ORDER BY created_at DESC, address_key, scope LIMIT %(most)s
), shown AS (
    SELECT * FROM found ORDER BY created_at DESC, address_key, scope OFFSET %(offset)s LIMIT %(limit)s
)
SELECT s.address, s.reason, s.note, s.created_at, s.expires_at, s.added_by, s.expired, s.scope, s.source, s.occurrence_id,
       s.seq, t.name AS task, (SELECT count(*) FROM found)::int AS total
FROM shown s
LEFT JOIN occurrence o ON o.id = s.occurrence_id
LEFT JOIN send_task t ON t.id = o.task_id
ORDER BY s.created_at DESC, s.address_key, s.scope;
