-- name: keep
-- Links that are there already cost a look; the order keeps two senders of one task from waiting for each other in turn.
INSERT INTO tracked_link (task_id, target_hash, target)
SELECT %(task_id)s, n.target_hash, n.target
FROM (SELECT sha256(convert_to(t.target, 'UTF8')) AS target_hash, t.target FROM unnest(%(targets)s::text[]) AS t (target)) n
WHERE NOT EXISTS (SELECT FROM tracked_link l WHERE l.task_id = %(task_id)s AND l.target_hash = n.target_hash)
ORDER BY n.target_hash
ON CONFLICT (task_id, target_hash) DO NOTHING;
