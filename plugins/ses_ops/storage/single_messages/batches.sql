-- name: hold
SELECT held, fingerprint FROM hold_idempotency_keys(ARRAY[%(key_id)s], ARRAY[%(key)s]);

-- name: claim
INSERT INTO idempotent_request (key_id, idempotency_key, fingerprint, kept_until, status, answer)
VALUES (%(key_id)s, %(key)s, %(fingerprint)s, now() + make_interval(secs => %(hours)s * 3600), 0, '{}');

-- name: release
DELETE FROM idempotent_request r
WHERE r.key_id = %(key_id)s AND r.idempotency_key = %(key)s AND NOT EXISTS (
    SELECT FROM idempotent_request i WHERE i.key_id = %(key_id)s AND i.idempotency_key = ANY(%(items)s));
