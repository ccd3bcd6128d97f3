-- name: counts
-- What became of a task's messages, from its counts by day and mailbox provider, and which feeds were heard since it began.
SELECT coalesce(sum(c.delivered), 0)::bigint AS delivered, coalesce(sum(c.hard_bounced), 0)::bigint AS hard_bounced,
       coalesce(sum(c.soft_bounced), 0)::bigint AS soft_bounced, coalesce(sum(c.complained), 0)::bigint AS complained,
       coalesce(sum(c.unsubscribed), 0)::bigint AS unsubscribed, coalesce(sum(c.deferred), 0)::bigint AS deferred,
       coalesce(sum(c.dropped), 0)::bigint AS dropped,
       ARRAY(SELECT source FROM event_feed WHERE events > 0
             AND last_at >= (SELECT min(created_at) FROM occurrence WHERE task_id = %(task_id)s)) AS feeds,
       coalesce((SELECT unsubscribe <> 'none' FROM send_task WHERE id = %(task_id)s), false) AS has_link
FROM feedback_count c WHERE c.task_id = %(task_id)s;

-- name: keys
-- The messages of a task with an outcome, between two keys, in the order of sending or with `back` against it. Each
-- outcome has an index of its own; deliveries are nearly every row, and found in that of the task.
SELECT f.occurrence_id, f.seq FROM message_feedback f
WHERE f.task_id = %(task_id)s
  AND (%(occurrence_id)s::bigint IS NULL OR f.occurrence_id = %(occurrence_id)s)
  AND (f.occurrence_id, f.seq) > (%(after_occurrence)s, %(after_seq)s)
  AND (f.occurrence_id, f.seq) <= (%(through_occurrence)s, %(through_seq)s)
  AND CASE %(feedback)s WHEN 'complained' THEN f.complained WHEN 'unsubscribed' THEN f.unsubscribed
           WHEN 'delivered' THEN f.outcome = 3 ELSE f.outcome <> 3 AND f.outcome = %(outcome)s END
ORDER BY CASE WHEN %(back)s THEN f.occurrence_id END DESC, CASE WHEN %(back)s THEN f.seq END DESC,
         f.occurrence_id, f.seq
LIMIT %(limit)s;

-- name: outcomes
-- What became of some messages.
SELECT f.occurrence_id, f.seq, f.outcome, f.complained, f.unsubscribed, f.last_at
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
JOIN message_feedback f USING (occurrence_id, seq);

-- name: words
-- The server's words about some messages: of each the gravest event that has any, the last of these.
SELECT k.occurrence_id, k.seq, e.kind::text AS kind, e.hard, e.source, e.reason, e.status, e.diagnostic, e.occurred_at
FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
CROSS JOIN LATERAL (
    SELECT * FROM message_event e WHERE e.occurrence_id = k.occurrence_id AND e.seq = k.seq
    ORDER BY e.kind = 'complained' DESC, e.kind = 'bounced' DESC, e.hard DESC, e.kind = 'dropped' DESC,
             e.kind = 'deferred' DESC, e.occurred_at DESC LIMIT 1
) e;
