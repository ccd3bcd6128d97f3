-- name: secrets
-- What tokens are made with and opened by; no other statement reads it, except for what sends a chunk.
SELECT secret FROM token_secret ORDER BY id DESC;

-- name: facts
SELECT id, created_at, id = max(id) OVER () AS makes_tokens FROM token_secret ORDER BY id DESC;

-- name: add
-- The database makes the secret, by the column's default.
INSERT INTO token_secret DEFAULT VALUES RETURNING id, created_at;
