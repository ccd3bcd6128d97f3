-- name: of_tasks
SELECT task_id, sum(deferred)::int AS deferred, sum(delivered)::int AS delivered, sum(dropped)::int AS dropped,
       sum(soft_bounced)::int AS soft_bounced, sum(hard_bounced)::int AS hard_bounced,
       sum(complained)::int AS complained, sum(unsubscribed)::int AS unsubscribed
FROM feedback_count WHERE task_id = ANY(%(task_ids)s) GROUP BY task_id;

-- name: of_task_by_provider
SELECT mailbox_provider, sum(deferred)::int AS deferred, sum(delivered)::int AS delivered, sum(dropped)::int AS dropped,
       sum(soft_bounced)::int AS soft_bounced, sum(hard_bounced)::int AS hard_bounced,
       sum(complained)::int AS complained, sum(unsubscribed)::int AS unsubscribed
FROM feedback_count WHERE task_id = %(task_id)s
GROUP BY mailbox_provider
ORDER BY sum(deferred + delivered + dropped + soft_bounced + hard_bounced) DESC, mailbox_provider LIMIT %(limit)s;

-- name: of_domain_by_day
SELECT sent_day, sum(deferred)::int AS deferred, sum(delivered)::int AS delivered, sum(dropped)::int AS dropped,
       sum(soft_bounced)::int AS soft_bounced, sum(hard_bounced)::int AS hard_bounced,
       sum(complained)::int AS complained, sum(unsubscribed)::int AS unsubscribed
FROM feedback_count WHERE sender_domain = %(sender_domain)s AND sent_day >= %(since)s
GROUP BY sent_day ORDER BY sent_day;

-- name: of_domain_by_provider
SELECT mailbox_provider, sum(deferred)::int AS deferred, sum(delivered)::int AS delivered, sum(dropped)::int AS dropped,
       sum(soft_bounced)::int AS soft_bounced, sum(hard_bounced)::int AS hard_bounced,
       sum(complained)::int AS complained, sum(unsubscribed)::int AS unsubscribed
FROM feedback_count WHERE sender_domain = %(sender_domain)s AND sent_day >= %(since)s
GROUP BY mailbox_provider
ORDER BY sum(deferred + delivered + dropped + soft_bounced + hard_bounced) DESC, mailbox_provider LIMIT %(limit)s;
