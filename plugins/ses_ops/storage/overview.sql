-- name: overview
-- One row a task. Counts are sums over chunks, never over messages, so this stays fast at millions of messages.
SELECT t.id, t.name, t.type, t.template, t.subject, t.sender, t.sender_domain, g.name AS "group", t.start_at,
       t.time_zone, t.every, t.cron, t.until, t.created_at, t.updated_at, t.paused_at, t.paused_reason,
       t.cancelled_at, t.error, t.reply_to, t.advertisement,
       coalesce(o.request_count, 0) AS request_count,
       coalesce(c.sent, 0) AS sent_count, coalesce(c.failed, 0) AS failed_count,
       coalesce(c.suppressed, 0) AS suppressed_count, coalesce(c.unknown, 0) AS unknown_count,
       coalesce(c.cached, 0) AS cached_count, coalesce(c.in_progress, 0) AS in_progress_count,
       c.due_at, c.reason, o.held_reason,
       coalesce(o.open, false) AS occurrence_open, coalesce(o.finished, false) AS occurrence_finished,
       o.occurrences, o.last_slot
FROM send_task t
LEFT JOIN recipient_group g ON g.id = t.group_id
LEFT JOIN LATERAL (
    SELECT sum(request_count)::bigint AS request_count,
           bool_or(finished_at IS NULL AND held_reason IS NULL) AS open,
           bool_or(finished_at IS NOT NULL) AS finished,
           min(held_reason) FILTER (WHERE frozen_at IS NULL) AS held_reason,
           count(*)::int AS occurrences, max(logical_at) AS last_slot
    FROM occurrence WHERE task_id = t.id
) o ON true
LEFT JOIN LATERAL (
    SELECT sum(sent)::bigint AS sent, sum(failed)::bigint AS failed, sum(suppressed)::bigint AS suppressed,
           sum(unknown)::bigint AS unknown,
           -- Mail that was frozen and not yet put to the quota is on its way, not cached.
           sum(pending) FILTER (WHERE state = 'cached' AND cached_at IS NOT NULL)::bigint AS cached,
           sum(pending) FILTER (WHERE state = 'reserved' OR cached_at IS NULL)::bigint AS in_progress,
           min(due_at) FILTER (WHERE state = 'cached' AND cached_at IS NOT NULL) AS due_at,
           min(reason) FILTER (WHERE state = 'cached') AS reason
    FROM chunk WHERE task_id = t.id
) c ON true
WHERE t.deleted_at IS NULL AND t.type <> 'test' AND (%(name)s::text IS NULL OR t.name = %(name)s)
ORDER BY t.id;
