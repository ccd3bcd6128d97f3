-- name: hard_bounces
-- Addresses that do not exist by a server, found in a span of time, the newest first, and their number.
SELECT address, note, created_at, count(*) OVER ()::int AS total FROM suppression
WHERE reason = 'hard_bounce' AND created_at >= %(since)s AND created_at < %(until)s
  AND (%(address_key)s::text IS NULL OR address_key = %(address_key)s)
  AND (expires_at IS NULL OR expires_at > now())
ORDER BY created_at DESC, number OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_hard_bounces
SELECT count(*)::int FROM suppression
WHERE reason = 'hard_bounce' AND created_at >= %(since)s AND created_at < %(until)s
  AND (%(address_key)s::text IS NULL OR address_key = %(address_key)s)
  AND (expires_at IS NULL OR expires_at > now());

-- name: manual
-- Entries that a person or a program made, the newest first, and their number.
SELECT number, address, created_at, expires_at, expires_at IS NOT NULL AND expires_at <= now() AS expired,
       count(*) OVER ()::int AS total
FROM suppression
WHERE reason = 'manual' AND scope = ''
  AND (%(patterns)s::text[] IS NULL OR address_key LIKE ANY(%(patterns)s))
  AND (%(expired)s::boolean IS NULL OR (expires_at IS NOT NULL AND expires_at <= now()) = %(expired)s)
ORDER BY created_at DESC, number DESC OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_manual
SELECT count(*)::int FROM suppression
WHERE reason = 'manual' AND scope = ''
  AND (%(patterns)s::text[] IS NULL OR address_key LIKE ANY(%(patterns)s))
  AND (%(expired)s::boolean IS NULL OR (expires_at IS NOT NULL AND expires_at <= now()) = %(expired)s);

-- name: of_number
SELECT number, address, created_at, expires_at, expires_at IS NOT NULL AND expires_at <= now() AS expired
FROM suppression WHERE number = %(number)s AND reason = 'manual' AND scope = '' FOR UPDATE;

-- name: change_manual
UPDATE suppression SET address_key = %(address_key)s, address = %(address)s, expires_at = %(expires_at)s, added_by = %(by)s
WHERE number = %(number)s;

-- name: on_the_list
-- Of some addresses those that get no mail at all for now.
SELECT address_key FROM suppression
WHERE address_key = ANY(%(address_keys)s) AND scope = '' AND (expires_at IS NULL OR expires_at > now());

-- name: remove_of_reason
-- Not what the recipient wished, or somebody else decided.
DELETE FROM suppression WHERE address_key = ANY(%(address_keys)s) AND scope = '' AND reason = %(reason)s;

-- name: add_manual
-- Many at once, as `add` of the list's entries: an entry is never shortened.
INSERT INTO suppression AS s (address_key, address, reason, expires_at, added_by)
SELECT k.address_key, k.address, 'manual', %(expires_at)s, %(by)s
FROM unnest(%(address_keys)s::text[], %(addresses)s::text[]) AS k (address_key, address) ORDER BY k.address_key
ON CONFLICT (address_key, scope) DO UPDATE SET
    reason = excluded.reason, note = excluded.note, expires_at = excluded.expires_at, added_by = excluded.added_by,
    created_at = now()
WHERE s.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > s.expires_at);
