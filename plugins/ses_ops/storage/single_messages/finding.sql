-- name: keys_to
-- The single messages with a recipient of these keys, the newest first: by the ledger's index of addresses, and those
-- that had no rows there when they were accepted. The ids are of version 7, so the newest is the largest.
SELECT id::text FROM (
    SELECT s.id FROM (SELECT occurrence_id, seq FROM message WHERE address_key = ANY(%(address_keys)s) OFFSET 0) m
    CROSS JOIN LATERAL (
        SELECT id, first_seq, recipient_count FROM single_message s
        WHERE s.occurrence_id = m.occurrence_id AND s.first_seq <= m.seq ORDER BY s.first_seq DESC LIMIT 1
    ) s WHERE m.seq < s.first_seq + s.recipient_count
    UNION
    SELECT id FROM single_message WHERE address_keys <> '{}' AND address_keys && %(address_keys)s::text[]
) every ORDER BY id DESC LIMIT %(limit)s;

-- name: ids_of_tag
-- Without an order: a rare tag is found by its index, of a common one the first that come are enough to know that it is.
SELECT id::text FROM single_message WHERE tags <> '{}' AND tags @> ARRAY[%(tag)s]::text[] LIMIT %(limit)s;

-- name: rows
SELECT s.id::text, s.reference_id, s.key_id, k.name AS key_name, s.source, s.sender_domain, s.sender, s.subject, s.template,
       s.template_version, s.reference, s.tags, s.recipient_count, s.cc_count, s.bcc_count, s.address_keys, s.accepted_at,
       s.send_at, s.due_at, s.occurrence_id, s.first_seq, s.refused, s.cancelled_at, s.repeats::text
FROM single_message s LEFT JOIN api_key k ON k.id = s.key_id WHERE s.id = ANY(%(ids)s::uuid[]);

-- name: page
-- Messages before a position, the newest first: of each sender domain as many as are asked for, by its part of the index,
-- so that a domain of few messages costs nothing beside one of many. What is not asked for is a constant to the planner.
WITH RECURSIVE known AS (
    SELECT min(sender_domain) AS domain FROM single_message
    UNION ALL
    SELECT (SELECT min(s.sender_domain) FROM single_message s WHERE s.sender_domain > known.domain) FROM known
    WHERE known.domain IS NOT NULL
)
SELECT s.id::text, s.reference_id, s.key_id, k.name AS key_name, s.source, s.sender_domain, s.sender, s.subject, s.template,
       s.template_version, s.reference, s.tags, s.recipient_count, s.cc_count, s.bcc_count, s.address_keys, s.accepted_at,
       s.send_at, s.due_at, s.occurrence_id, s.first_seq, s.refused, s.cancelled_at, s.repeats::text
FROM (
    SELECT unnest(%(domains)s::text[]) AS domain
    UNION ALL
    SELECT domain FROM known WHERE %(domains)s::text[] IS NULL AND domain IS NOT NULL
) d CROSS JOIN LATERAL (
    SELECT * FROM single_message s
    WHERE s.sender_domain = d.domain
      AND (%(ids)s::uuid[] IS NULL OR s.id = ANY(%(ids)s::uuid[]))
      AND (%(tag)s::text IS NULL OR (s.tags <> '{}' AND s.tags @> ARRAY[%(tag)s]::text[]))
      AND (%(reference)s::text IS NULL OR s.reference = %(reference)s)
      AND (%(since)s::timestamptz IS NULL OR s.accepted_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR s.accepted_at < %(until)s)
      AND (%(before_at)s::timestamptz IS NULL OR (s.accepted_at, s.id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
    ORDER BY s.accepted_at DESC, s.id DESC LIMIT %(limit)s
) s LEFT JOIN api_key k ON k.id = s.key_id
ORDER BY s.accepted_at DESC, s.id DESC LIMIT %(limit)s;

-- name: recipients
-- Rows of the ledger by their exact keys, each with where its chunk stands while it is pending. (The planner takes a range
-- of keys a message for thousands of rows, and reads tables from end to end.)
SELECT k.message_id, m.occurrence_id, m.seq, k.place, m.address, m.tries, m.smtp_code, m.smtp_text, m.changed_at,
       CASE WHEN p.pending THEN coalesce(c.standing, 'queued') ELSE m.state::text END AS status,
       CASE WHEN p.pending THEN c.next_try_at END AS next_try_at, CASE WHEN p.pending THEN coalesce(c.why, '') ELSE '' END AS waits_for,
       CASE WHEN p.pending THEN c.why_explained END AS waits_for_explained
FROM unnest(%(ids)s::text[], %(occurrences)s::bigint[], %(seqs)s::int[], %(places)s::int[])
     AS k (message_id, occurrence_id, seq, place)
JOIN message m USING (occurrence_id, seq)
JOIN occurrence o ON o.id = m.occurrence_id
CROSS JOIN LATERAL (SELECT m.state IN ('queued', 'requeued', 'sending') AS pending) p
LEFT JOIN LATERAL (
    -- The last chunk that begins at or before it: a process that lives for months has as many as there are half minutes.
    SELECT * FROM chunk_now c WHERE p.pending AND c.task_id = o.task_id AND c.occurrence_id = m.occurrence_id
                                AND c.first_seq <= m.seq ORDER BY c.first_seq DESC LIMIT 1
) c ON true
ORDER BY k.message_id, m.seq;

-- name: places
-- The messages that rows of the ledger belong to.
SELECT k.occurrence_id, k.seq, s.id::text
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
CROSS JOIN LATERAL (
    SELECT id, first_seq, recipient_count FROM single_message s
    WHERE s.occurrence_id = k.occurrence_id AND s.first_seq <= k.seq ORDER BY s.first_seq DESC LIMIT 1
) s WHERE k.seq < s.first_seq + s.recipient_count;

-- name: repeated_by
SELECT id::text FROM single_message WHERE repeats = %(id)s::uuid ORDER BY id;

-- name: sender_domains
-- Each has a send task of its own kind; the messages may be millions.
SELECT sender_domain FROM send_task WHERE type = 'api' AND deleted_at IS NULL ORDER BY 1;

-- name: keys
SELECT id, name FROM api_key ORDER BY name, id LIMIT %(limit)s;

-- name: id_of_reference_id
SELECT id::text FROM single_message WHERE reference_id = %(reference_id)s;

-- name: answer
-- What a request with a key of its own was answered, while that is kept.
SELECT answer FROM idempotent_request
WHERE key_id = %(key_id)s AND idempotency_key = %(idempotency_key)s AND kept_until > now()
ORDER BY began_at DESC LIMIT 1;

-- name: content
-- What a message says; it goes after SES_API_CONTENT_DAYS.
SELECT c.content FROM single_message s JOIN single_message_content c ON c.message_id = s.id AND c.accepted_at = s.accepted_at
WHERE s.id = %(id)s::uuid;
