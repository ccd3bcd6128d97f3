-- name: claim
-- Messages whose time has come, for a while nobody else's: who claims them and dies loses them again then.
WITH due AS (
    SELECT id FROM single_message WHERE due_at <= now() ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE single_message s SET due_at = now() + make_interval(secs => %(seconds)s)
FROM due WHERE s.id = due.id
RETURNING s.id::text AS id, s.key_id, s.source,
          (SELECT c.content FROM single_message_content c WHERE c.message_id = s.id AND c.accepted_at = s.accepted_at) AS content;

-- name: lock_due
-- Those that still wait: nobody has sent, refused or cancelled them.
SELECT id::text FROM single_message
WHERE id = ANY(%(ids)s::uuid[]) AND due_at IS NOT NULL AND occurrence_id IS NULL ORDER BY id FOR UPDATE;

-- name: refuse
UPDATE single_message SET refused = %(why)s::jsonb, due_at = NULL
WHERE id = %(id)s::uuid AND due_at IS NOT NULL AND occurrence_id IS NULL;

-- name: lock
SELECT sender_domain, send_at, due_at IS NOT NULL AS waits, cancelled_at IS NOT NULL AS cancelled
FROM single_message WHERE id = %(id)s::uuid FOR UPDATE;

-- name: cancel
UPDATE single_message SET cancelled_at = now(), due_at = NULL WHERE id = %(id)s::uuid;

-- name: wait_a_moment
SELECT set_config('lock_timeout', %(timeout)s, true);

-- name: keep_days
SELECT keep_days('single_message_content', 'accepted_at', %(content_days)s)
     + keep_days('idempotent_request', 'began_at', %(idempotency_days)s);

-- name: forget_addresses
-- Who got nothing for an hour has its whole number again. It waits for nobody: acceptance locks these rows in an order of
-- its own. A row that is locked counts a message just now.
DELETE FROM address_rate WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM address_rate WHERE moments[cardinality(moments)] < now() - interval '1 hour' FOR UPDATE SKIP LOCKED));
