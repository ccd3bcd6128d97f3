-- name: sent_lately
-- Messages that were sent and that failed, by sender domain and quarter of an hour (every zone's midnight is one's
-- beginning), as the attempts noted them; an attempt that goes on has noted nothing, so its chunk says. No message is
-- read.
SELECT c.sender_domain AS domain, date_bin('15 minutes', least(a.started_at, now()), 'epoch') AS began_at,
       sum(coalesce(a.sent, CASE WHEN a.id = c.attempt_id THEN greatest(0, c.sent::bigint - a.sent_before) END, 0))::bigint AS sent,
       sum(coalesce(a.failed, CASE WHEN a.id = c.attempt_id THEN greatest(0, c.failed::bigint - a.failed_before) END, 0))::bigint
           AS failed
FROM attempt a JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id
WHERE a.started_at >= %(since)s
  AND CASE WHEN t.counted THEN t.name NOT IN (SELECT unnest(%(hidden)s::text[])) ELSE %(tests)s END
GROUP BY 1, 2;

-- name: recent_failures
-- Failed messages of each task that exists, in chunks that were last tried since; the latest first.
SELECT t.name AS task, sum(c.failed)::bigint AS count, max(coalesce(c.reserved_at, o.created_at)) AS tried_at
FROM (
    SELECT task_id, occurrence_id, failed, reserved_at FROM chunk WHERE failed > 0 AND reserved_at > %(since)s
    UNION ALL SELECT task_id, occurrence_id, failed, reserved_at FROM chunk WHERE failed > 0 AND reserved_at IS NULL
) c JOIN occurrence o ON o.id = c.occurrence_id JOIN send_task t ON t.id = c.task_id
WHERE coalesce(c.reserved_at, o.created_at) > %(since)s AND t.listed AND t.deleted_at IS NULL
GROUP BY t.id ORDER BY 3 DESC, t.id;

-- name: deleted_tasks
-- What a deleted task sent still counts, and its name still says who may see it.
SELECT DISTINCT name FROM send_task WHERE deleted_at IS NOT NULL AND listed;

-- name: ever_sent_a_test
SELECT EXISTS (SELECT FROM send_task WHERE type = 'test') AS found;
