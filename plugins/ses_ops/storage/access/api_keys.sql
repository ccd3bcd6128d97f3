-- name: insert
INSERT INTO api_key (id, name, scopes, domains, secret_hash, secret_box, per_second, created_by)
VALUES (%(id)s, %(name)s, %(scopes)s, %(domains)s, %(secret_hash)s, %(secret_box)s, %(per_second)s, %(created_by)s);

-- name: keys
-- Those that are valid first, each part by name; a revoked key stays on show, because messages name it.
SELECT id, name, scopes, domains, per_second, created_at, created_by, last_used_at, revoked_at, revoked_by
FROM api_key WHERE (%(revoked_too)s OR revoked_at IS NULL) ORDER BY revoked_at IS NOT NULL, name, created_at;

-- name: find
-- By id, or by the name of one that is valid.
SELECT id, name, scopes, domains, per_second, created_at, created_by, last_used_at, revoked_at, revoked_by
FROM api_key WHERE id = %(given)s OR (name = %(given)s AND revoked_at IS NULL) ORDER BY id = %(given)s DESC LIMIT 1;

-- name: revoke
UPDATE api_key SET revoked_at = now(), revoked_by = %(by)s WHERE id = %(id)s AND revoked_at IS NULL;

-- name: credentials
-- All valid keys: a process of the API reads them once a second.
SELECT id, name, scopes, domains, per_second, secret_hash, secret_box FROM api_key WHERE revoked_at IS NULL;

-- name: note_used
-- At most once a minute a key: a row that every request wrote would be the hottest of the database.
UPDATE api_key SET last_used_at = now()
WHERE id = ANY(%(ids)s::text[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute');

-- name: any_key
SELECT EXISTS (SELECT FROM api_key);

-- name: sending_domains
-- Sender domains that a valid key with scope `send` (or `manage`, which holds it) names; `*` names none.
SELECT DISTINCT domain FROM api_key, unnest(domains) AS domain
WHERE revoked_at IS NULL AND scopes && ARRAY['send', 'manage'] AND domain <> '*' ORDER BY domain;
