-- name: kept_from
-- The beginning of the oldest month that has a partition; earlier events were dropped, or have odd dates.
SELECT to_timestamp(min(right(c.relname, 7)), 'YYYY_MM') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'message_event'::regclass AND c.relname ~ '^message_event_\d{4}_\d{2}$';

-- name: occurrences
SELECT id FROM occurrence WHERE frozen_at IS NOT NULL ORDER BY id;

-- name: tasks
SELECT task_id FROM feedback_count UNION SELECT task_id FROM engagement_count UNION SELECT id FROM send_task ORDER BY 1;

-- name: wrong_feedback
-- What is known of the messages of a start, and what its events say: where the two differ. One statement sees one moment.
-- Messages whose first event may have been dropped are left out. The moment of a choice is that of message_feedback.chosen_at.
WITH e AS (
    SELECT e.*, CASE WHEN e.occurred_at BETWEEN coalesce(o.frozen_at, to_timestamp(0)) AND e.received_at THEN e.occurred_at ELSE e.received_at END AS chosen_at
    FROM message_event e JOIN occurrence o ON o.id = e.occurrence_id WHERE e.occurrence_id = %(occurrence_id)s
), told AS (
    SELECT seq, bool_or(kind = 'deferred') AS deferred, bool_or(kind = 'delivered') AS delivered,
           bool_or(kind = 'dropped') AS dropped,
           max(CASE WHEN kind <> 'bounced' THEN 0 WHEN hard THEN 2 ELSE 1 END)::smallint AS bounced,
           bool_or(about = 1) AS spam, bool_or(about = 2) AS infrastructure, bool_or(kind = 'complained') AS complained,
           max(chosen_at) FILTER (WHERE kind = 'unsubscribed') AS unsubscribed_at,
           max(chosen_at) FILTER (WHERE kind = 'resubscribed') AS resubscribed_at,
           min(occurred_at) AS first_at, max(occurred_at) AS last_at
    FROM e GROUP BY seq
), known AS (
    SELECT * FROM message_feedback WHERE occurrence_id = %(occurrence_id)s
)
SELECT coalesce(k.seq, t.seq) AS seq, k.seq IS NULL AS missing, t.seq IS NULL AS untold, coalesce(t.deferred, false) AS deferred,
       coalesce(t.delivered, false) AS delivered, coalesce(t.dropped, false) AS dropped, coalesce(t.bounced, 0) AS bounced,
       coalesce(t.spam, false) AS spam, coalesce(t.infrastructure, false) AS infrastructure,
       coalesce(t.complained, false) AS complained, t.unsubscribed_at, t.resubscribed_at,
       coalesce(t.first_at, k.first_at) AS first_at, coalesce(t.last_at, k.last_at) AS last_at
FROM told t FULL JOIN known k ON k.seq = t.seq
WHERE coalesce(k.first_at, t.first_at) >= %(kept_from)s
  AND (t.deferred, t.delivered, t.dropped, t.bounced, t.spam, t.infrastructure, t.complained,
       t.unsubscribed_at, t.resubscribed_at, t.first_at, t.last_at)
      IS DISTINCT FROM
      (k.deferred, k.delivered, k.dropped, k.bounced, k.spam, k.infrastructure, k.complained,
       k.unsubscribed_at, k.resubscribed_at, k.first_at, k.last_at)
ORDER BY 1;

-- name: remove_feedback
DELETE FROM message_feedback WHERE occurrence_id = %(occurrence_id)s AND seq = ANY(%(seqs)s);

-- name: wrong_counts
WITH counted AS (
    SELECT sender_domain, sent_day, mailbox_provider, count(*) FILTER (WHERE outcome = 1)::int AS deferred,
           count(*) FILTER (WHERE outcome = 3)::int AS delivered, count(*) FILTER (WHERE outcome = 2)::int AS dropped,
           count(*) FILTER (WHERE outcome = 4)::int AS soft_bounced, count(*) FILTER (WHERE outcome = 5)::int AS hard_bounced,
           count(*) FILTER (WHERE outcome = 4 AND spam)::int AS spam_bounced,
           count(*) FILTER (WHERE outcome = 4 AND infrastructure AND NOT spam)::int AS infrastructure_bounced,
           count(*) FILTER (WHERE complained)::int AS complained, count(*) FILTER (WHERE unsubscribed)::int AS unsubscribed
    FROM message_feedback WHERE task_id = %(task_id)s GROUP BY 1, 2, 3
), known AS (
    SELECT sender_domain, sent_day, mailbox_provider, deferred, delivered, dropped, soft_bounced, hard_bounced, spam_bounced,
           infrastructure_bounced, complained, unsubscribed
    FROM feedback_count WHERE task_id = %(task_id)s
)
SELECT sender_domain, sent_day, mailbox_provider,
       coalesce(to_jsonb(k) - ARRAY['sender_domain', 'sent_day', 'mailbox_provider'], '{}') AS stored,
       coalesce(to_jsonb(c) - ARRAY['sender_domain', 'sent_day', 'mailbox_provider'], '{}') AS counted
FROM counted c FULL JOIN known k USING (sender_domain, sent_day, mailbox_provider)
WHERE (coalesce(c.deferred, 0), coalesce(c.delivered, 0), coalesce(c.dropped, 0), coalesce(c.soft_bounced, 0),
       coalesce(c.hard_bounced, 0), coalesce(c.spam_bounced, 0),
       coalesce(c.infrastructure_bounced, 0), coalesce(c.complained, 0), coalesce(c.unsubscribed, 0))
   <> (coalesce(k.deferred, 0), coalesce(k.delivered, 0), coalesce(k.dropped, 0), coalesce(k.soft_bounced, 0),
       coalesce(k.hard_bounced, 0), coalesce(k.spam_bounced, 0),
       coalesce(k.infrastructure_bounced, 0), coalesce(k.complained, 0), coalesce(k.unsubscribed, 0))
ORDER BY 1, 2, 3;

-- name: hold_writers
-- Nobody records events until the end of the transaction: a writer adds to counts that it has not read.
SELECT pg_advisory_xact_lock(7369, 0);

-- name: remove_counts
DELETE FROM feedback_count WHERE task_id = %(task_id)s;

-- name: count_anew
INSERT INTO feedback_count (task_id, sender_domain, sent_day, mailbox_provider, deferred, delivered, dropped, soft_bounced,
                            hard_bounced, spam_bounced, infrastructure_bounced, complained, unsubscribed)
SELECT task_id, sender_domain, sent_day, mailbox_provider, count(*) FILTER (WHERE outcome = 1),
       count(*) FILTER (WHERE outcome = 3), count(*) FILTER (WHERE outcome = 2), count(*) FILTER (WHERE outcome = 4),
       count(*) FILTER (WHERE outcome = 5), count(*) FILTER (WHERE outcome = 4 AND spam),
       count(*) FILTER (WHERE outcome = 4 AND infrastructure AND NOT spam), count(*) FILTER (WHERE complained),
       count(*) FILTER (WHERE unsubscribed)
FROM message_feedback WHERE task_id = %(task_id)s GROUP BY 1, 2, 3, 4;
