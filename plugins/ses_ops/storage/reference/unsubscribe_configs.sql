-- name: configs
SELECT address, config, status, count(*) OVER ()::int AS total FROM reference_unsubscribe
WHERE %(domains)s::text[] IS NULL OR split_part(address, '@', 2) = ANY(%(domains)s)
ORDER BY address OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_configs
SELECT count(*)::int FROM reference_unsubscribe
WHERE %(domains)s::text[] IS NULL OR split_part(address, '@', 2) = ANY(%(domains)s);

-- name: config
SELECT address, config, status FROM reference_unsubscribe WHERE address = %(address)s;

-- name: add_config
INSERT INTO reference_unsubscribe (address, config, status) VALUES (%(address)s, %(config)s, %(status)s)
ON CONFLICT (address) DO NOTHING;

-- name: change_config
UPDATE reference_unsubscribe SET config = %(config)s, status = %(status)s WHERE address = %(address)s;

-- name: remove_config
DELETE FROM reference_unsubscribe WHERE address = %(address)s;
