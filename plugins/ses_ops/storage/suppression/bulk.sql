-- name: make_stage
CREATE TEMPORARY TABLE suppression_stage (
    line integer NOT NULL, address text NOT NULL, address_key text NOT NULL, reason text NOT NULL, note text NOT NULL,
    expires_at timestamptz
) ON COMMIT DROP;

-- name: copy_stage
COPY suppression_stage (line, address, address_key, reason, note, expires_at) FROM STDIN;

-- name: add_stage
-- Of several rows for one address the one that lasts longest wins.
INSERT INTO suppression AS s (address_key, address, reason, note, expires_at, added_by)
SELECT DISTINCT ON (address_key) address_key, address, reason, note, expires_at, %(added_by)s
FROM suppression_stage ORDER BY address_key, expires_at DESC NULLS FIRST, line
ON CONFLICT (address_key, scope) DO UPDATE SET
    reason = excluded.reason, note = excluded.note, expires_at = excluded.expires_at, added_by = excluded.added_by,
    created_at = now()
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);
