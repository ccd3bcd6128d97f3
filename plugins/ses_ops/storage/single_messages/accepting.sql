-- name: take_process
-- Whoever asks whether a commit happened whose answer was lost waits here for the transaction that it ends.
SELECT pg_advisory_xact_lock(%(lock)s, %(process_id)s);

-- name: wait_at_most
SELECT set_config('lock_timeout', %(milliseconds)s::text, true);

-- name: hold
SELECT held, fingerprint, status, answer FROM hold_idempotency_keys(%(key_ids)s::text[], %(keys)s::text[]);

-- name: answered
-- What requests were answered, the newest last where a key was free again.
SELECT idempotency_key AS key, fingerprint, status, answer FROM idempotent_request
WHERE key_id = %(key_id)s AND idempotency_key = ANY(%(keys)s) AND kept_until > clock_timestamp() ORDER BY began_at;

-- name: prepare_look
-- What refuses single messages or some of their recipients: $1 keys, $2 sender domains, $3 address keys. Somebody who was
-- erased stands in the suppression list as a hash.
PREPARE single_look (text[], text[], text[]) AS
SELECT 'now' AS kind, '' AS scope, now()::text AS key, '' AS reason
UNION ALL
SELECT 'revoked', '', id, '' FROM api_key WHERE id = ANY($1) AND revoked_at IS NOT NULL
UNION ALL
SELECT 'suppressed', s.scope, a.address_key, s.reason
FROM unnest($3) AS a (address_key) JOIN suppression s ON s.address_key = a.address_key AND (s.scope = '' OR s.scope = ANY($2))
WHERE s.expires_at IS NULL OR s.expires_at > now()
UNION ALL
SELECT 'suppressed', s.scope, a.address_key, s.reason
FROM erasure_key k CROSS JOIN unnest($3) AS a (address_key)
JOIN suppression s ON s.address_key = erased_address(k, a.address_key) AND (s.scope = '' OR s.scope = ANY($2))
WHERE s.expires_at IS NULL OR s.expires_at > now();

-- name: look
EXECUTE single_look (%(key_ids)s::text[], %(domains)s::text[], %(address_keys)s::text[]);

-- name: recent_of_addresses
-- The last hour of each address, and when its first message leaves that hour. In sorted order, as whoever writes does it.
SELECT r.address_key, r.sender_domain, m.count, m.seconds
FROM (
    SELECT r.* FROM address_rate r
    JOIN unnest(%(address_keys)s::text[], %(domains)s::text[]) AS a (address_key, domain)
        ON r.address_key = a.address_key AND r.sender_domain = a.domain
    ORDER BY r.address_key, r.sender_domain FOR UPDATE OF r
) r CROSS JOIN LATERAL (
    SELECT count(*)::int AS count, extract(epoch FROM min(m) + interval '1 hour' - now())::float8 AS seconds
    FROM unnest(r.moments) AS m WHERE m > now() - interval '1 hour'
) m;

-- name: prepare_accept
-- One round trip a group of requests: limits, rows of the ledger, the growth of the open chunks, messages, what they say,
-- and answers. Whoever calls compares the two numbers that come back, and rolls back where they are too small.
-- $1 moment of acceptance, $2 messages an hour to one address
-- $3 $4 $5 address keys, in sorted order, sender domains, messages to each
-- $6 to $12 ledger: occurrence, seq, state, address, address key, reason, attempt of those that end here
-- $13 to $19 open chunks: id, attempt, last seq, rows, pending, suppressed, places reserved
-- $20 to $40 messages, $41 what they say in hexadecimal digits
-- $42 to $46 requests with a key: key id, key, fingerprint, hours kept, answer
PREPARE single_accept (timestamptz, int, text[], text[], int[],
                       bigint[], int[], message_state[], text[], text[], text[], bigint[],
                       bigint[], bigint[], int[], int[], int[], int[], int[],
                       uuid[], text[], text[], text[], text[], text[], text[], text[], int[], text[], text[], int[], int[],
                       int[], text[], timestamptz[], bigint[], int[], timestamptz[], uuid[], boolean[], text[],
                       text[], text[], text[], float8[], jsonb[]) AS
WITH rated AS (
    INSERT INTO address_rate AS r (address_key, sender_domain, moments)
    SELECT a.address_key, a.domain, array_fill($1, ARRAY[a.count])
    FROM unnest($3, $4, $5) AS a (address_key, domain, count) ORDER BY 1, 2
    ON CONFLICT (address_key, sender_domain) DO UPDATE
        SET moments = ARRAY(SELECT m FROM unnest(r.moments) m WHERE m > $1 - interval '1 hour') || excluded.moments
        WHERE (SELECT count(*) FROM unnest(r.moments) m WHERE m > $1 - interval '1 hour') + cardinality(excluded.moments) <= $2
    RETURNING 1
), grown AS (
    UPDATE chunk c SET last_seq = g.last_seq, sending_through = g.last_seq, pending = c.pending + g.pending,
        suppressed = c.suppressed + g.suppressed, reserved = c.reserved + g.reserved
    FROM unnest($13, $14, $15, $16, $17, $18, $19) AS g (id, attempt_id, last_seq, count, pending, suppressed, reserved)
    WHERE c.id = g.id AND c.attempt_id = g.attempt_id AND c.state = 'reserved' AND c.last_seq = g.last_seq - g.count
    RETURNING 1
), written AS (
    INSERT INTO message (occurrence_id, seq, state, address, address_key, "values", smtp_text, attempt_id, changed_at)
    SELECT w.occurrence_id, w.seq, w.state, w.address, w.address_key, '{}', w.reason, w.attempt_id,
           CASE WHEN w.attempt_id IS NOT NULL THEN $1 END
    FROM unnest($6, $7, $8, $9, $10, $11, $12) AS w (occurrence_id, seq, state, address, address_key, reason, attempt_id)
), messages AS (
    INSERT INTO single_message (id, reference_id, key_id, source, sender_domain, sender, subject, template,
                                template_version, reference, tags, recipient_count, cc_count, bcc_count, address_keys,
                                send_at, occurrence_id, first_seq, due_at, repeats, accepted_at)
    SELECT s.id, s.reference_id, s.key_id, s.source, s.sender_domain, s.sender, s.subject, s.template,
           s.template_version, s.reference, s.tags::text[], s.count, s.cc, s.bcc, s.address_keys::text[],
           s.send_at, s.occurrence_id, s.first_seq, s.due_at, s.repeats, $1
    FROM unnest($20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40)
         AS s (id, reference_id, key_id, source, sender_domain, sender, subject, template, template_version, reference,
               tags, count, cc, bcc, address_keys, send_at, occurrence_id, first_seq, due_at, repeats, is_new)
    WHERE s.is_new
), contents AS (
    INSERT INTO single_message_content (message_id, accepted_at, content)
    SELECT c.id, $1, decode(c.content, 'hex') FROM unnest($20, $40, $41) AS c (id, is_new, content) WHERE c.is_new
), due AS (
    -- Those that were accepted before, and whose time has come.
    UPDATE single_message m SET occurrence_id = s.occurrence_id, first_seq = s.first_seq, due_at = NULL
    FROM unnest($20, $36, $37, $40) AS s (id, occurrence_id, first_seq, is_new) WHERE NOT s.is_new AND m.id = s.id
), answers AS (
    INSERT INTO idempotent_request (key_id, idempotency_key, fingerprint, began_at, kept_until, status, answer)
    SELECT i.key_id, i.key, decode(i.fingerprint, 'hex'), $1, $1 + make_interval(secs => i.hours * 3600), 202, i.answer
    FROM unnest($42, $43, $44, $45, $46) AS i (key_id, key, fingerprint, hours, answer)
)
SELECT (SELECT count(*) FROM rated)::int AS rated, (SELECT count(*) FROM grown)::int AS grown;

-- name: accept
EXECUTE single_accept %(values)s;

-- name: written
-- Whether a commit happened whose answer was lost. A message whose send_at had come was there before it: its rows tell.
SELECT EXISTS (
    SELECT FROM unnest(%(ids)s::uuid[], %(occurrence_ids)s::bigint[], %(first_seqs)s::int[]) AS a (id, occurrence_id, first_seq)
    JOIN single_message s ON s.id = a.id
        AND s.occurrence_id IS NOT DISTINCT FROM a.occurrence_id AND s.first_seq IS NOT DISTINCT FROM a.first_seq
);
