-- name: hash_of
-- What stands for an address once it is erased.
SELECT erased_address(k, %(address_key)s) FROM erasure_key k;

-- name: anybody_suppressed
SELECT EXISTS (SELECT 1 FROM suppression WHERE starts_with(address_key, 'erased:'));

-- name: suppress_messages
-- Of an audience that was just written: those whom the list knows by their hash only.
UPDATE message m SET state = 'suppressed', changed_at = now(), smtp_text = s.reason
FROM erasure_key k, (
    SELECT DISTINCT ON (address_key) address_key, reason, expires_at FROM suppression
    WHERE starts_with(address_key, 'erased:') AND scope IN ('', %(sender_domain)s)
      AND (expires_at IS NULL OR expires_at > now())
    ORDER BY address_key, scope
) s
WHERE m.occurrence_id = %(occurrence_id)s AND m.state = 'queued'
  AND s.address_key = erased_address(k, m.address_key);

-- name: count_suppressed
SELECT count(*)::int
FROM recipient r CROSS JOIN erasure_key k
WHERE r.group_id = %(group_id)s AND erased_address(k, r.address_key) IN (
    SELECT s.address_key FROM suppression s
    WHERE starts_with(s.address_key, 'erased:') AND s.scope IN ('', %(sender_domain)s)
      AND (s.expires_at IS NULL OR s.expires_at > now())
);
