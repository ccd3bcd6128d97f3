-- name: ensure_domain
INSERT INTO sender_domain (domain) VALUES (%(domain)s) ON CONFLICT DO NOTHING;

-- name: lock_domain
SELECT FROM sender_domain WHERE domain = %(domain)s FOR NO KEY UPDATE;

-- name: rehearsal_began_at
SELECT rehearsal_began_at FROM sender_domain WHERE domain = %(domain)s AND rehearsal_key = %(key)s;

-- name: rehearsals_began_at
SELECT domain, rehearsal_key, rehearsal_began_at FROM sender_domain
WHERE rehearsal_key IS NOT NULL AND rehearsal_began_at IS NOT NULL;

-- name: begin_rehearsal
-- The first reservation of a rehearsal begins its first day; the row lock makes that one moment.
UPDATE sender_domain SET
    rehearsal_began_at = CASE WHEN rehearsal_key = %(key)s THEN rehearsal_began_at ELSE clock_timestamp() END,
    rehearsal_key = %(key)s
WHERE domain = %(domain)s
RETURNING rehearsal_began_at;

-- name: backlog
-- Waiting mail of a domain, in the order in which it will be served: one row for what one run of a task cached, however
-- many chunks that is. `stopped`: a person has to act first; `reserved`: it has its part of the quota and waits for a
-- sender. Two parts, because each has its index.
SELECT t.name AS task, c.due_at, c.standing, c.state = 'reserved' AS reserved, sum(c.pending)::bigint AS count,
       t.paused_at IS NOT NULL OR t.error IS NOT NULL AS stopped
FROM (
    SELECT * FROM chunk_now WHERE state = 'cached' AND sender_domain = %(domain)s
    UNION ALL SELECT * FROM chunk_now WHERE state = 'reserved' AND sender_domain = %(domain)s
) c JOIN send_task t ON t.id = c.task_id
WHERE c.standing IN ('cached', 'retrying', 'queued') AND t.listed
GROUP BY t.id, c.cached_at, c.due_at, c.standing, c.state
ORDER BY c.cached_at NULLS LAST, min(c.occurrence_id), min(c.first_seq);

-- name: bounce_domain
SELECT bounce_domain FROM sender_domain WHERE domain = %(domain)s;

-- name: bounce_domains
SELECT domain, bounce_domain FROM sender_domain WHERE bounce_domain IS NOT NULL ORDER BY domain;

-- name: set_bounce_domain
UPDATE sender_domain SET bounce_domain = %(bounce_domain)s WHERE domain = %(domain)s;

-- name: tracking
SELECT track_opens AS opens, track_clicks AS clicks FROM sender_domain WHERE domain = %(domain)s;

-- name: trackings
SELECT domain, track_opens AS opens, track_clicks AS clicks FROM sender_domain ORDER BY domain;

-- name: set_tracking
-- What is NULL stays as it is.
UPDATE sender_domain SET track_opens = coalesce(%(opens)s::boolean, track_opens),
    track_clicks = coalesce(%(clicks)s::boolean, track_clicks)
WHERE domain = %(domain)s;

-- name: domains
SELECT domain FROM sender_domain
UNION SELECT sender_domain FROM send_task WHERE deleted_at IS NULL ORDER BY 1;
