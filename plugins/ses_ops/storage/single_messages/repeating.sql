-- name: hold
-- Two who repeat one message wait for each other.
SELECT FROM single_message WHERE id = %(id)s::uuid FOR NO KEY UPDATE;

-- name: repetition_waits
SELECT EXISTS (SELECT FROM single_message WHERE repeats = %(id)s::uuid AND due_at IS NOT NULL);

-- name: waits
-- A message that nobody has given rows yet: whatever copy of the API runs takes it, as one whose `send_at` has come. It has
-- no key, so that none that was revoked stops what a person wants.
INSERT INTO single_message (id, key_id, source, sender_domain, sender, subject, template, template_version, reference, tags,
                            recipient_count, cc_count, bcc_count, address_keys, due_at, repeats)
SELECT %(id)s::uuid, '', 'console', sender_domain, sender, subject, template, template_version, reference, tags,
       recipient_count, cc_count, bcc_count, %(address_keys)s::text[], now(), id
FROM single_message WHERE id = %(of)s::uuid;

-- name: says
-- The content of it, in the partition of the same moment.
INSERT INTO single_message_content (message_id, accepted_at, content)
SELECT id, accepted_at, %(content)s FROM single_message WHERE id = %(id)s::uuid;

-- name: copies_alive
-- Copies of the API that were heard of within the last half minute.
SELECT count(*) FROM single_message_process WHERE ended_at IS NULL AND beat_at > now() - interval '30 seconds';
