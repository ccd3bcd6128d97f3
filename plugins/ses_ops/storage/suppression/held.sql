-- name: by_provider
-- Counted in the index of providers; of each only its three newest are looked at.
SELECT p.mailbox_provider, p.count, p.first_at, p.last_at, n.note, n.addresses
FROM (
    SELECT mailbox_provider, count(*)::int AS count, min(held_at) AS first_at, max(held_at) AS last_at
    FROM suppression_held GROUP BY mailbox_provider
) p
CROSS JOIN LATERAL (
    SELECT (array_agg(note ORDER BY held_at DESC, address_key))[1] AS note,
           array_agg(address ORDER BY held_at DESC, address_key) AS addresses
    FROM (
        SELECT note, address, address_key, held_at FROM suppression_held h
        WHERE h.mailbox_provider = p.mailbox_provider ORDER BY held_at DESC LIMIT 3
    ) newest
) n
ORDER BY p.last_at DESC, p.mailbox_provider;

-- name: page
SELECT address, reason, note, source, mailbox_provider, occurrence_id, seq, held_at
FROM suppression_held WHERE mailbox_provider = %(provider)s
ORDER BY held_at DESC, address_key OFFSET %(offset)s LIMIT %(limit)s;

-- name: approve
-- As if the guard had not stood in the way. Up to a moment: what came after the page was shown waits on.
WITH taken AS (
    DELETE FROM suppression_held WHERE mailbox_provider = %(provider)s AND held_at <= %(until)s RETURNING *
)
INSERT INTO suppression AS s (address_key, scope, address, reason, note, source, occurrence_id, seq, mailbox_provider, added_by)
SELECT address_key, scope, address, reason, note, source, occurrence_id, seq, mailbox_provider, %(by)s
FROM taken ORDER BY address_key, scope
ON CONFLICT (address_key, scope) DO UPDATE SET reason = excluded.reason, note = excluded.note, source = excluded.source,
    occurrence_id = excluded.occurrence_id, seq = excluded.seq, mailbox_provider = excluded.mailbox_provider,
    expires_at = NULL, added_by = excluded.added_by, created_at = now()
WHERE s.expires_at IS NOT NULL;

-- name: discard
DELETE FROM suppression_held WHERE mailbox_provider = %(provider)s AND held_at <= %(until)s;

-- name: count
SELECT count(*)::int FROM suppression_held WHERE mailbox_provider = %(provider)s AND held_at <= %(until)s;
