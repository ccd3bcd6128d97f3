-- name: claims
-- Runs that have announced what is not known to have arrived.
SELECT DISTINCT announced_by FROM occurrence
WHERE finished_at IS NOT NULL AND announced_by IS DISTINCT FROM '' AND announced_by <> %(run_id)s;

-- name: confirm
UPDATE occurrence SET announced_by = '' WHERE finished_at IS NOT NULL AND announced_by IS DISTINCT FROM ''
  AND announced_by = ANY(%(run_ids)s);

-- name: take_back
UPDATE occurrence SET announced_by = NULL WHERE finished_at IS NOT NULL AND announced_by IS DISTINCT FROM ''
  AND announced_by = ANY(%(run_ids)s);

-- name: claim
-- Finished occurrences, the oldest first. Test sends and deleted tasks have no asset.
WITH due AS (
    SELECT o.id FROM occurrence o
    WHERE o.finished_at IS NOT NULL AND o.announced_by IS DISTINCT FROM ''
      AND (o.announced_by IS NULL OR o.announced_by = %(run_id)s)
    ORDER BY o.finished_at, o.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE occurrence o
SET announced_by = CASE WHEN NOT t.listed OR t.deleted_at IS NOT NULL THEN '' ELSE %(run_id)s END
FROM due d, send_task t WHERE o.id = d.id AND t.id = o.task_id
RETURNING o.id;

-- name: finished
SELECT o.id AS occurrence_id, t.name AS task, t.sender_domain, o.number AS start, o.run_id, o.frozen_at, o.finished_at,
       o.request_count AS request, coalesce(sum(c.sent), 0)::int AS sent, coalesce(sum(c.failed), 0)::int AS failed,
       coalesce(sum(c.suppressed), 0)::int AS suppressed, coalesce(sum(c.unknown), 0)::int AS unknown
FROM occurrence o
JOIN send_task t ON t.id = o.task_id
LEFT JOIN chunk c ON c.occurrence_id = o.id AND c.task_id = o.task_id
WHERE o.id = ANY(%(ids)s) AND o.announced_by = %(run_id)s
GROUP BY o.id, t.id ORDER BY o.finished_at, o.id;
