-- name: keep_former
-- What a task was, before it becomes something else.
INSERT INTO former_edition (task_id, edition, template, subject, sender, reply_to, unsubscribe_url, unsubscribe, advertisement,
                            track_opens, track_clicks, replaced_by)
SELECT id, edition, template, subject, sender, reply_to, unsubscribe_url, unsubscribe, advertisement, track_opens, track_clicks,
       %(by)s
FROM send_task WHERE id = %(task_id)s;

-- name: next_edition
UPDATE send_task SET edition = edition + 1 WHERE id = %(task_id)s;

-- name: editions
-- Every edition of a task and how many messages were sent with it: counted by attempts, not by messages.
SELECT e.edition AS number, e.template, e.subject, e.sender, e.reply_to, e.unsubscribe_url, e.unsubscribe, e.advertisement,
       e.track_opens, e.track_clicks, e.replaced_at, e.replaced_by, coalesce(a.sent, 0)::bigint AS sent
FROM (
    SELECT edition, template, subject, sender, reply_to, unsubscribe_url, unsubscribe, advertisement, track_opens,
           track_clicks, replaced_at, replaced_by
    FROM former_edition WHERE task_id = %(task_id)s
    UNION ALL
    SELECT edition, template, subject, sender, reply_to, unsubscribe_url, unsubscribe, advertisement, track_opens,
           track_clicks, NULL, ''
    FROM send_task WHERE id = %(task_id)s
) e
LEFT JOIN (
    SELECT a.edition, sum(coalesce(a.sent, greatest(c.sent - a.sent_before, 0))) AS sent
    FROM chunk c JOIN attempt a ON a.chunk_id = c.id WHERE c.task_id = %(task_id)s GROUP BY a.edition
) a ON a.edition = e.edition
ORDER BY e.edition DESC LIMIT %(limit)s;

-- name: mail_of_task
-- What a change of a task can still reach: sums over its chunks.
SELECT EXISTS (SELECT FROM occurrence WHERE task_id = %(task_id)s) AS begun,
       EXISTS (SELECT FROM occurrence WHERE task_id = %(task_id)s AND frozen_at IS NOT NULL) AS frozen,
       coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(suppressed), 0)::bigint AS suppressed,
       coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(unknown), 0)::bigint AS unknown,
       coalesce(sum(pending), 0)::bigint AS waiting,
       coalesce(sum(pending) FILTER (WHERE state = 'reserved'), 0)::bigint AS leaving
FROM chunk WHERE task_id = %(task_id)s;

-- name: first_left
-- The first messages that have not left of each occurrence that has some: those that wait, then those that failed.
SELECT o.id AS occurrence_id, m.seq, m.address, m."values"
FROM (SELECT id FROM occurrence WHERE task_id = %(task_id)s AND frozen_at IS NOT NULL ORDER BY id DESC LIMIT %(most)s) o
CROSS JOIN LATERAL (
    SELECT first_seq, last_seq FROM chunk
    WHERE task_id = %(task_id)s AND occurrence_id = o.id AND pending + failed + unknown > 0
    ORDER BY pending = 0, first_seq LIMIT 1
) c
CROSS JOIN LATERAL (
    SELECT seq, address, "values" FROM message
    WHERE occurrence_id = o.id AND seq BETWEEN c.first_seq AND c.last_seq AND state NOT IN ('sent', 'suppressed')
    ORDER BY state IN ('failed', 'unknown'), seq LIMIT %(each)s
) m
ORDER BY o.id, m.seq;

-- name: due_now
-- Mail that a run could send this moment.
SELECT EXISTS (
    SELECT FROM chunk c JOIN send_task t ON t.id = c.task_id
    WHERE t.name = %(name)s AND t.deleted_at IS NULL AND t.paused_at IS NULL AND t.cancelled_at IS NULL
      AND t.error IS NULL AND c.state = 'cached' AND c.pending > 0 AND c.due_at <= now()
) AS due;
