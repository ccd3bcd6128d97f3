-- name: add
-- An entry is never shortened: what lasts for ever stays, what ends can be made to last longer.
INSERT INTO suppression AS s (address_key, address, reason, note, expires_at)
VALUES (%(address_key)s, %(address)s, %(reason)s, %(note)s, %(expires_at)s)
ON CONFLICT (address_key) DO UPDATE SET
    reason = excluded.reason, note = excluded.note, expires_at = excluded.expires_at, created_at = now()
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);

-- name: remove
DELETE FROM suppression WHERE address_key = %(address_key)s;

-- name: find
SELECT address, reason, note, created_at, expires_at FROM suppression WHERE address_key = %(address_key)s;

-- name: entries
SELECT address, reason, note, created_at, expires_at,
       expires_at IS NOT NULL AND expires_at <= now() AS expired
FROM suppression
WHERE %(search)s::text IS NULL OR position(lower(%(search)s) IN address_key) > 0
ORDER BY created_at DESC, address_key LIMIT %(limit)s;
