-- name: suppress
-- What is there for ever stays, but a complaint is stronger than a bounce; an entry that ends becomes one that does not.
-- In one order, as every writer of several entries.
INSERT INTO suppression AS s (address_key, scope, address, reason, note, source, occurrence_id, seq, mailbox_provider)
SELECT DISTINCT ON (address_key, scope) address_key, scope, address, reason, note, source, occurrence_id, seq,
       mailbox_provider
FROM json_to_recordset(%(entries)s::json) AS r (
    address_key text, scope text, address text, reason text, note text, source text, occurrence_id bigint, seq int,
    mailbox_provider text)
ORDER BY address_key, scope, reason = 'complaint' DESC, occurrence_id, seq
ON CONFLICT (address_key, scope) DO UPDATE SET reason = excluded.reason, note = excluded.note, source = excluded.source,
    occurrence_id = excluded.occurrence_id, seq = excluded.seq, mailbox_provider = excluded.mailbox_provider,
    expires_at = NULL, added_by = '', created_at = now()
WHERE s.expires_at IS NOT NULL OR (excluded.reason = 'complaint' AND s.reason IN ('hard_bounce', 'unsubscribe'));

-- name: hold
INSERT INTO suppression_held (address_key, scope, address, reason, note, source, occurrence_id, seq, mailbox_provider)
SELECT DISTINCT ON (address_key, scope) address_key, scope, address, reason, note, source, occurrence_id, seq,
       mailbox_provider
FROM json_to_recordset(%(entries)s::json) AS r (
    address_key text, scope text, address text, reason text, note text, source text, occurrence_id bigint, seq int,
    mailbox_provider text)
ORDER BY address_key, scope, occurrence_id, seq
ON CONFLICT DO NOTHING;

-- name: lock
-- In one order; until the end of the transaction.
SELECT pg_advisory_xact_lock(%(lock)s, n) FROM unnest(%(numbers)s::int[]) AS n;

-- name: unknown_addresses
-- Those that neither the list has for ever and for all mail, nor a person is asked about.
SELECT k.address_key FROM unnest(%(keys)s::text[]) AS k (address_key)
WHERE NOT EXISTS (SELECT FROM suppression s WHERE s.address_key = k.address_key AND s.scope = '' AND s.expires_at IS NULL)
  AND NOT EXISTS (SELECT FROM suppression_held h WHERE h.address_key = k.address_key AND h.scope = '');

-- name: recent_hard_bounces
SELECT (SELECT count(*) FROM suppression
        WHERE mailbox_provider = %(provider)s AND created_at > now() - %(span)s::interval AND reason = 'hard_bounce')
     + (SELECT count(*) FROM suppression_held
        WHERE mailbox_provider = %(provider)s AND held_at > now() - %(span)s::interval AND reason = 'hard_bounce');

-- name: mailed_by_domain
-- Recipients' domains of the mail of the last day, estimated: of the newest chunks every so many-th message is looked at.
SELECT substring(m.address_key FROM '[^@]*$') AS domain, p.mailbox_provider AS known_provider, sum(c.step)::int AS mailed
FROM (
    SELECT c.occurrence_id, c.first_seq, c.last_seq, 1 + (c.last_seq - c.first_seq) / %(looks)s AS step
    FROM chunk c
    WHERE c.id IN (SELECT a.chunk_id FROM attempt a WHERE a.started_at > now() - interval '1 day'
                   ORDER BY a.id DESC LIMIT %(chunks)s)
) c
CROSS JOIN LATERAL generate_series(c.first_seq, c.last_seq, c.step) AS g (seq)
JOIN message m ON m.occurrence_id = c.occurrence_id AND m.seq = g.seq
LEFT JOIN mailbox_provider p ON p.domain = substring(m.address_key FROM '[^@]*$')
WHERE m.state = 'sent' AND m.changed_at > now() - interval '1 day'
GROUP BY 1, 2;

-- name: newest_choices
-- Per address and sender domain the last unsubscription and the last time that one was taken back, over all its messages.
-- The messages of an address first, then the feedback of each by key (OFFSET 0 keeps that order): the planner, which expects
-- many messages of an address and little feedback, would read all feedback once for every address.
SELECT k.address_key, k.scope, max(f.unsubscribed_at) AS unsubscribed_at, max(f.resubscribed_at) AS resubscribed_at
FROM unnest(%(keys)s::text[], %(scopes)s::text[]) AS k (address_key, scope)
CROSS JOIN LATERAL (SELECT occurrence_id, seq FROM message WHERE address_key = k.address_key OFFSET 0) m
CROSS JOIN LATERAL (
    SELECT unsubscribed_at, resubscribed_at, sender_domain FROM message_feedback
    WHERE occurrence_id = m.occurrence_id AND seq = m.seq OFFSET 0
) f
WHERE f.sender_domain = k.scope
GROUP BY k.address_key, k.scope;

-- name: take_back
-- Also what came from a file: whoever takes the wish back is the person whose wish it was.
DELETE FROM suppression s USING unnest(%(keys)s::text[], %(scopes)s::text[]) AS k (address_key, scope)
WHERE s.address_key = k.address_key AND s.scope = k.scope AND s.reason = 'unsubscribe';
