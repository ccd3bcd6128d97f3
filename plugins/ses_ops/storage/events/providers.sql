-- name: note_domains
-- In one order, before any other write of the transaction.
INSERT INTO mailbox_provider (domain, mailbox_provider, looked_up_at)
SELECT d.domain, d.provider, '-infinity'
FROM unnest(%(domains)s::text[], %(providers)s::text[]) AS d (domain, provider) ORDER BY d.domain
ON CONFLICT DO NOTHING;

-- name: oldest
SELECT domain FROM mailbox_provider WHERE looked_up_at < now() - interval '30 days' ORDER BY looked_up_at LIMIT %(limit)s;

-- name: note
UPDATE mailbox_provider SET mailbox_provider = coalesce(%(provider)s, mailbox_provider),
    looked_up_at = CASE WHEN %(provider)s::text IS NULL THEN now() - interval '29 days' ELSE now() END
WHERE domain = %(domain)s;
