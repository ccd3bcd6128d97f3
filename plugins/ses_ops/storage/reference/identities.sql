-- name: identities
SELECT domain, dkim_option, tags, created_at FROM reference_identity ORDER BY domain;

-- name: identity
SELECT domain, dkim_option, tags, created_at FROM reference_identity WHERE domain = %(domain)s;

-- name: add_identity
INSERT INTO reference_identity (domain, dkim_option, tags, created_by)
VALUES (%(domain)s, %(dkim_option)s, %(tags)s::jsonb, %(by)s) ON CONFLICT (domain) DO NOTHING;

-- name: set_dkim_option
-- Of a domain that was made by nobody there, too.
INSERT INTO reference_identity (domain, dkim_option, created_by) VALUES (%(domain)s, %(dkim_option)s, %(by)s)
ON CONFLICT (domain) DO UPDATE SET dkim_option = excluded.dkim_option;

-- name: remove_identity
DELETE FROM reference_identity WHERE domain = %(domain)s;
