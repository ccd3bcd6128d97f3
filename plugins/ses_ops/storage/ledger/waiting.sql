-- name: tasks_waiting
-- Tasks of a domain with cached mail that waits for quota, by the code of its reason: what a server deferred, and what
-- waits for a person, has others.
SELECT t.name FROM send_task t
WHERE t.paused_at IS NULL AND t.cancelled_at IS NULL AND t.deleted_at IS NULL AND t.error IS NULL AND t.listed
  AND t.id IN (SELECT c.task_id FROM chunk c
               WHERE c.sender_domain = %(domain)s AND c.state = 'cached' AND c.setbacks = 0
                 AND c.reason_explained->>'code' = ANY(%(codes)s::text[]))
ORDER BY t.id;

-- name: domains_waiting
SELECT DISTINCT sender_domain FROM chunk
WHERE state = 'cached' AND setbacks = 0 AND reason_explained->>'code' = ANY(%(codes)s::text[]);

-- name: go_on
-- What waits for another day because today's quota was used up when it was smaller, or because the domain was blocked, may
-- leave now. What becomes due within this day keeps its time: it has its part of today's quota.
UPDATE chunk SET due_at = %(now)s, reason = %(reason)s, reason_explained = %(reason_explained)s::jsonb
WHERE task_id = %(task_id)s AND sender_domain = %(domain)s AND state = 'cached' AND setbacks = 0 AND due_at >= %(ends_at)s
  AND (reason_explained->>'code' = ANY(%(blocked)s::text[])
       OR (reason_explained->>'code' = 'quota_used_up'
           AND reason_explained->'facts'->'quota' < to_jsonb(%(quota)s::bigint)));

-- name: note_why
-- Mail that waits, whatever run cached it, says the present reason.
UPDATE chunk SET reason = %(reason)s, reason_explained = %(reason_explained)s::jsonb
WHERE task_id = %(task_id)s AND sender_domain = %(domain)s AND state = 'cached' AND setbacks = 0
  AND reason_explained->>'code' = ANY(%(codes)s::text[]) AND reason IS DISTINCT FROM %(reason)s;

-- name: give_up
-- A person gives up what waits: it has failed, and a retry of what failed may bring it back. Nothing of a cached chunk is
-- under way. No attempt failed with it, so none of those that had tried it before counts it.
WITH given_up AS (
    UPDATE message m SET state = 'failed', changed_at = now(), smtp_code = NULL, smtp_text = %(reason)s, attempt_id = NULL
    FROM chunk c
    WHERE c.task_id = %(task_id)s AND c.sender_domain = %(domain)s AND c.state = 'cached'
      AND m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
      AND m.state IN ('queued', 'requeued')
    RETURNING c.id
)
UPDATE chunk SET state = 'settled', pending = pending - n.count, failed = failed + n.count, due_at = NULL, setbacks = 0,
    reason = NULL, reason_explained = NULL
FROM (SELECT id, count(*)::int AS count FROM given_up GROUP BY id) n
WHERE chunk.id = n.id AND chunk.pending = n.count
RETURNING n.count;

-- name: tasks_with_cached_mail
SELECT t.name FROM send_task t
WHERE t.cancelled_at IS NULL AND t.deleted_at IS NULL AND t.listed
  AND t.id IN (SELECT c.task_id FROM chunk c WHERE c.sender_domain = %(domain)s AND c.state = 'cached' AND c.pending > 0)
ORDER BY t.id;
