-- name: senders
SELECT address, sender_name, created_at, smtp_password_set FROM reference_sender ORDER BY address;

-- name: sender
SELECT address, sender_name, created_at, smtp_password_set FROM reference_sender WHERE address = %(address)s;

-- name: add_sender
INSERT INTO reference_sender (address, sender_name) VALUES (%(address)s, %(sender_name)s) ON CONFLICT (address) DO NOTHING;

-- name: remove_sender
DELETE FROM reference_sender WHERE address = %(address)s;

-- name: lock_senders
-- Of a domain, whose number is limited, until the transaction ends.
SELECT pg_advisory_xact_lock(7368, 4);
