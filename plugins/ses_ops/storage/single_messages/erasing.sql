-- name: hold_messages
-- The single messages of a person, also one who was erased before: whether they wait for their time, whether a mail of
-- theirs may still leave, and what they say. Nobody takes what waits meanwhile.
SELECT s.id::text, s.due_at IS NOT NULL AND s.occurrence_id IS NULL AS waits,
       EXISTS (
           SELECT FROM message m WHERE m.occurrence_id = s.occurrence_id
             AND m.seq BETWEEN s.first_seq AND s.first_seq + s.recipient_count - 1 AND m.address_key <> ALL(%(keys)s::text[])
             AND m.state IN ('queued', 'requeued', 'sending')
       ) AS pending,
       (SELECT c.content FROM single_message_content c WHERE c.message_id = s.id AND c.accepted_at = s.accepted_at) AS content
FROM single_message s WHERE s.id = ANY(%(ids)s::uuid[]) ORDER BY s.id FOR UPDATE OF s;

-- name: forget_words
-- The facts stay, as in the ledger; what a program called the message, and its subject, may name the person.
UPDATE single_message SET subject = '', address_keys = array_replace(address_keys, %(address_key)s, %(person)s),
    reference = CASE WHEN strpos(lower(reference), %(address_key)s) = 0 THEN reference END,
    tags = ARRAY(SELECT t FROM unnest(tags) t WHERE strpos(lower(t), %(address_key)s) = 0),
    refused = CASE WHEN strpos(coalesce(lower(refused::text), ''), %(address_key)s) = 0 THEN refused
                   ELSE jsonb_build_object('code', refused -> 'code', 'facts', '{}'::jsonb) END
WHERE id = ANY(%(ids)s::uuid[]);

-- name: cancel
UPDATE single_message SET cancelled_at = now(), due_at = NULL WHERE id = ANY(%(ids)s::uuid[]);

-- name: forget_content
DELETE FROM single_message_content c USING single_message s
WHERE s.id = ANY(%(ids)s::uuid[]) AND c.message_id = s.id AND c.accepted_at = s.accepted_at;

-- name: leave_out
-- A message that waits goes to its other recipients.
UPDATE single_message SET recipient_count = %(to)s::int + %(cc)s::int + %(bcc)s::int, cc_count = %(cc)s, bcc_count = %(bcc)s,
    address_keys = %(address_keys)s::text[]
WHERE id = %(id)s::uuid;

-- name: set_content
UPDATE single_message_content c SET content = %(content)s FROM single_message s
WHERE s.id = %(id)s::uuid AND c.message_id = s.id AND c.accepted_at = s.accepted_at;

-- name: clear_answers
UPDATE idempotent_request SET answer = regexp_replace(answer::text, %(pattern)s, %(person)s, 'gi')::jsonb
WHERE strpos(lower(answer::text), %(address_key)s) > 0;

-- name: forget_rate
DELETE FROM address_rate WHERE address_key = %(address_key)s;
