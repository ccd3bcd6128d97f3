-- name: count
SELECT count(*)::int FROM suppression
WHERE reason = %(reason)s AND created_at >= %(since)s AND created_at < %(until)s
  AND (%(provider)s::text IS NULL OR mailbox_provider = %(provider)s
       OR (mailbox_provider IS NULL AND substring(address_key FROM '[^@]*$') = ANY(%(domains)s::text[])))
  AND (%(words)s::text IS NULL OR strpos(lower(note), lower(%(words)s)) > 0);

-- name: lift
-- An entry that the sending process made knows no provider: its address's domain tells.
DELETE FROM suppression
WHERE reason = %(reason)s AND created_at >= %(since)s AND created_at < %(until)s
  AND (%(provider)s::text IS NULL OR mailbox_provider = %(provider)s
       OR (mailbox_provider IS NULL AND substring(address_key FROM '[^@]*$') = ANY(%(domains)s::text[])))
  AND (%(words)s::text IS NULL OR strpos(lower(note), lower(%(words)s)) > 0);
