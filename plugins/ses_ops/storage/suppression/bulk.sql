-- name: make_stage
CREATE TEMPORARY TABLE suppression_stage (
    line integer NOT NULL, address text NOT NULL, address_key text NOT NULL, scope text NOT NULL, reason text NOT NULL, note text NOT NULL,
    expires_at timestamptz
) ON COMMIT DROP;

-- name: copy_stage
COPY suppression_stage (line, address, address_key, scope, reason, note, expires_at) FROM STDIN;

-- name: add_stage
-- Of several rows for one address and scope the one that lasts longest wins.
INSERT INTO suppression AS s (address_key, scope, address, reason, note, expires_at, added_by)
SELECT DISTINCT ON (address_key, scope) address_key, scope, address, reason, note, expires_at, %(added_by)s
FROM suppression_stage ORDER BY address_key, scope, expires_at DESC NULLS FIRST, line
ON CONFLICT (address_key, scope) DO UPDATE SET
    reason = excluded.reason, note = excluded.note, expires_at = excluded.expires_at, added_by = excluded.added_by,
    created_at = now()
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);

-- name: sender_domains
-- The sender domains that an entry may hold for: those that have mailed, have tasks, or have entries already.
SELECT domain FROM sender_domain
UNION SELECT sender_domain FROM send_task
UNION SELECT scope FROM suppression WHERE scope <> '';
