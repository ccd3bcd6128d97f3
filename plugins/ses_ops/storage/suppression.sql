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

-- name: make_stage
CREATE TEMPORARY TABLE suppression_stage (
    line integer NOT NULL, address text NOT NULL, address_key text NOT NULL, reason text NOT NULL, note text NOT NULL,
    expires_at timestamptz
) ON COMMIT DROP;

-- name: copy_stage
COPY suppression_stage (line, address, address_key, reason, note, expires_at) FROM STDIN;

-- name: add_stage
-- Of several rows for one address the one that lasts longest wins.
INSERT INTO suppression AS s (address_key, address, reason, note, expires_at)
SELECT DISTINCT ON (address_key) address_key, address, reason, note, expires_at
FROM suppression_stage ORDER BY address_key, expires_at DESC NULLS FIRST, line
ON CONFLICT (address_key) DO UPDATE SET
    reason = excluded.reason, note = excluded.note, expires_at = excluded.expires_at, created_at = now()
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);
