-- name: token_secrets
SELECT secret FROM token_secret ORDER BY id DESC;
