-- name: overview
-- One row a task: those that exist or those that were deleted, one of a name, or the one of an id. Counts are sums over chunks, never over messages, so this stays fast at millions of messages.
SELECT t.id, t.name, t.type, t.template, t.subject, t.sender, t.sender_domain, g.name AS "group", t.start_at,
       t.time_zone, t.every, t.cron, t.until, t.created_at, t.updated_at, t.paused_at, t.paused_reason,
       t.paused_reason_explained, t.cancelled_reason_explained, t.error_explained,
       t.cancelled_at, t.cancelled_reason, t.error, t.reply_to, t.advertisement, t.deleted_at,
       coalesce(o.request_count, 0) AS request_count,
       coalesce(c.sent, 0) AS sent_count, coalesce(c.failed, 0) AS failed_count,
       coalesce(c.suppressed, 0) AS suppressed_count, coalesce(c.unknown, 0) AS unknown_count,
       coalesce(c.cancelled, 0) AS cancelled_count, coalesce(c.cached, 0) AS cached_count,
       coalesce(c.retrying, 0) AS retrying_count, coalesce(c.queued, 0) AS queued_count,
       coalesce(c.in_progress, 0) AS in_progress_count, c.next_standing, c.next_try_at,
       coalesce(c.next_try_at <= now(), false) AS is_due, c.reason, c.reason_explained, o.held_reason, o.held_reason_explained,
       coalesce(o.open, false) AS occurrence_open, coalesce(o.finished, false) AS occurrence_finished,
       o.occurrences, o.last_slot, to_jsonb(newest) AS latest_start
FROM send_task t
LEFT JOIN recipient_group g ON g.id = t.group_id
LEFT JOIN LATERAL (
    SELECT sum(request_count)::bigint AS request_count,
           bool_or(finished_at IS NULL AND held_reason IS NULL) AS open,
           bool_or(finished_at IS NOT NULL) AS finished,
           min(held_reason) FILTER (WHERE frozen_at IS NULL) AS held_reason,
           (array_agg(held_reason_explained ORDER BY held_reason) FILTER (WHERE frozen_at IS NULL AND held_reason IS NOT NULL))[1]
               AS held_reason_explained,
           count(*)::int AS occurrences, max(logical_at) AS last_slot, max(id) FILTER (WHERE request_count > 0) AS newest_id
    FROM occurrence WHERE task_id = t.id
) o ON true
LEFT JOIN LATERAL (
    SELECT sum(sent)::bigint AS sent, sum(failed)::bigint AS failed, sum(suppressed)::bigint AS suppressed,
           sum(unknown)::bigint AS unknown,
           sum(pending) FILTER (WHERE standing = 'cancelled')::bigint AS cancelled,
           sum(pending) FILTER (WHERE standing = 'cached')::bigint AS cached,
           sum(pending) FILTER (WHERE standing = 'retrying')::bigint AS retrying,
           sum(pending) FILTER (WHERE standing = 'queued')::bigint AS queued,
           sum(pending) FILTER (WHERE standing = 'sending')::bigint AS in_progress,
           min(next_try_at) AS next_try_at,
           -- Of what goes on first.
           (array_agg(standing ORDER BY due_at) FILTER (WHERE standing IN ('cached', 'retrying')))[1] AS next_standing,
           (array_agg(why ORDER BY due_at) FILTER (WHERE standing IN ('cached', 'retrying')))[1] AS reason,
           (array_agg(why_explained ORDER BY due_at) FILTER (WHERE standing IN ('cached', 'retrying')))[1] AS reason_explained
    FROM chunk_now WHERE task_id = t.id
) c ON true
-- Progress is that of one start: over all of them it would fall with each new one.
LEFT JOIN LATERAL (
    SELECT s.number, s.request_count, coalesce(sum(k.sent), 0)::bigint AS sent_count,
           coalesce(sum(k.failed), 0)::bigint AS failed_count, coalesce(sum(k.suppressed), 0)::bigint AS suppressed_count,
           coalesce(sum(k.unknown), 0)::bigint AS unknown_count,
           coalesce(sum(k.pending) FILTER (WHERE k.standing = 'cancelled'), 0)::bigint AS cancelled_count,
           coalesce(sum(k.pending) FILTER (WHERE k.standing = 'cached'), 0)::bigint AS cached_count,
           coalesce(sum(k.pending) FILTER (WHERE k.standing = 'retrying'), 0)::bigint AS retrying_count,
           coalesce(sum(k.pending) FILTER (WHERE k.standing = 'queued'), 0)::bigint AS queued_count,
           coalesce(sum(k.pending) FILTER (WHERE k.standing = 'sending'), 0)::bigint AS in_progress_count
    FROM occurrence s LEFT JOIN chunk_now k ON k.task_id = t.id AND k.occurrence_id = s.id
    WHERE s.id = o.newest_id AND o.occurrences > 1
    GROUP BY s.id
) newest ON true
WHERE t.listed AND (t.id = %(task_id)s::bigint
    OR (%(task_id)s::bigint IS NULL AND (t.deleted_at IS NOT NULL) = %(deleted)s
        AND (%(name)s::text IS NULL OR t.name = %(name)s)))
ORDER BY t.id;
