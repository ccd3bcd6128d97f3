-- name: insert_task
INSERT INTO send_task (name, type, template, subject, sender, sender_domain, group_id, start_at, time_zone, every,
                       cron, until, reply_to, unsubscribe_url, unsubscribe, advertisement, track_opens, track_clicks,
                       start_grace, on_unknown, roles)
VALUES (%(name)s, %(type)s, %(template)s, %(subject)s, %(sender)s, %(sender_domain)s, %(group_id)s, %(start_at)s,
        %(time_zone)s, %(every)s, %(cron)s, %(until)s, %(reply_to)s, %(unsubscribe_url)s, %(unsubscribe)s,
        %(advertisement)s, %(track_opens)s, %(track_clicks)s, %(start_grace)s, %(on_unknown)s, %(roles)s::text[])
RETURNING id;

-- name: update_task
-- A changed definition also clears the error: the person has mended something.
UPDATE send_task
SET type = %(type)s, template = %(template)s, subject = %(subject)s, sender = %(sender)s,
    sender_domain = %(sender_domain)s, group_id = %(group_id)s, start_at = %(start_at)s, time_zone = %(time_zone)s,
    every = %(every)s, cron = %(cron)s, until = %(until)s, reply_to = %(reply_to)s,
    unsubscribe_url = %(unsubscribe_url)s, unsubscribe = %(unsubscribe)s, advertisement = %(advertisement)s,
    track_opens = %(track_opens)s, track_clicks = %(track_clicks)s, start_grace = %(start_grace)s,
    on_unknown = %(on_unknown)s, roles = %(roles)s::text[], first_subject = NULL, error = NULL, error_explained = NULL,
    error_at = NULL, updated_at = now()
WHERE id = %(id)s;

-- name: set_roles
UPDATE send_task SET roles = %(roles)s::text[], updated_at = now() WHERE id = %(id)s;

-- name: tasks
-- Every task that exists, with the facts that only its own row knows. By its name a test send too, and never the task of
-- single messages: nobody pauses, cancels or edits that one.
SELECT t.id, t.name, t.type, t.template, t.subject, t.sender, t.sender_domain, g.name AS "group", t.group_id,
       t.start_at, t.time_zone, t.every, t.cron, t.until, t.reply_to, t.unsubscribe_url, t.unsubscribe, t.advertisement,
       t.track_opens, t.track_clicks, t.start_grace, t.on_unknown, t.created_at, t.updated_at, t.paused_at, t.paused_reason,
       t.cancelled_at,
       t.cancelled_reason, t.finished_at, t.error, t.edition, t.roles
FROM send_task t
LEFT JOIN recipient_group g ON g.id = t.group_id
WHERE t.deleted_at IS NULL AND t.type <> 'api' AND (t.listed OR %(name)s::text IS NOT NULL)
  AND (%(name)s::text IS NULL OR t.name = %(name)s)
ORDER BY t.id;

-- name: task_to_show
-- A task as somebody looks at it: the one of an id; else the one that has the name, or that had it last.
SELECT t.id, t.name, t.type, t.template, t.subject, t.sender, t.sender_domain, g.name AS "group", t.group_id,
       t.start_at, t.time_zone, t.every, t.cron, t.until, t.reply_to, t.unsubscribe_url, t.unsubscribe, t.advertisement,
       t.track_opens, t.track_clicks, t.start_grace, t.on_unknown, t.created_at, t.updated_at, t.paused_at, t.paused_reason,
       t.cancelled_at,
       t.cancelled_reason, t.finished_at, t.error, t.edition, t.roles, t.deleted_at
FROM send_task t
LEFT JOIN recipient_group g ON g.id = t.group_id
WHERE t.name = %(name)s AND (%(task_id)s::bigint IS NULL OR t.id = %(task_id)s) AND t.type <> 'api'
ORDER BY t.deleted_at DESC NULLS FIRST LIMIT 1;

-- name: deleted_of_name
-- The newest first.
SELECT id, deleted_at FROM send_task
WHERE name = %(name)s AND deleted_at IS NOT NULL AND listed ORDER BY deleted_at DESC LIMIT %(most)s;

-- name: earlier_tasks
-- Deleted tasks whose name another one has had since.
SELECT t.id, t.roles FROM send_task t
WHERE t.deleted_at IS NOT NULL AND t.listed AND (%(name)s::text IS NULL OR t.name = %(name)s)
  AND EXISTS (SELECT 1 FROM send_task l WHERE l.name = t.name AND l.id > t.id AND l.listed);

-- name: roles_of_tasks
SELECT name, roles FROM send_task WHERE deleted_at IS NULL AND listed AND roles <> '{}' ORDER BY id;

-- name: id_of_name
SELECT id FROM send_task WHERE name = %(name)s AND deleted_at IS NULL;

-- name: tasks_with_dag
-- Tasks that need a DAG: all but test sends, the deleted, and those that ended longer ago than the retention time.
SELECT t.name, t.type, t.template, t.sender, t.sender_domain, g.name AS "group", t.start_at, t.time_zone, t.every,
       t.cron, t.until, t.created_at
FROM send_task t
JOIN recipient_group g ON g.id = t.group_id
WHERE t.deleted_at IS NULL AND t.listed
  AND (%(name)s::text IS NULL OR t.name = %(name)s)
  AND coalesce(t.finished_at, t.cancelled_at, 'infinity') > now() - %(retention)s::interval
ORDER BY t.id;

-- name: lock_task
-- Whoever changes or starts a task holds its row. NO KEY: a chunk that is changed twice in a transaction has its foreign
-- key checked, and must not wait here while it holds the quota day that the holder of this row waits for.
SELECT t.id, t.name, t.type, t.template, t.subject, t.sender, t.sender_domain, t.group_id, t.unsubscribe_url, t.unsubscribe,
       t.reply_to, t.advertisement, t.track_opens, t.track_clicks,
       t.start_grace, t.created_at, t.start_at, t.time_zone, t.every, t.cron, t.until, t.paused_at, t.cancelled_at, t.finished_at,
       g.variables AS group_variables, g.name AS "group"
FROM send_task t
LEFT JOIN recipient_group g ON g.id = t.group_id
WHERE t.name = %(name)s AND t.deleted_at IS NULL AND (t.type <> 'api' OR %(with_api)s)
FOR NO KEY UPDATE OF t;

-- name: set_error
UPDATE send_task SET error = %(error)s, error_explained = %(error_explained)s::jsonb,
    error_at = CASE WHEN %(error)s::text IS NULL THEN NULL ELSE now() END
WHERE name = %(name)s AND deleted_at IS NULL AND error IS DISTINCT FROM %(error)s;

-- name: set_paused
WITH paused AS (
    UPDATE send_task SET paused_at = now(), paused_reason = %(reason)s, paused_reason_explained = %(reason_explained)s::jsonb,
        updated_at = now()
    WHERE name = %(name)s AND deleted_at IS NULL AND paused_at IS NULL
    RETURNING id, paused_at
)
INSERT INTO task_pause (task_id, paused_at) SELECT id, paused_at FROM paused;

-- name: set_paused_reason
UPDATE send_task SET paused_reason = %(reason)s, paused_reason_explained = %(reason_explained)s::jsonb,
        updated_at = now()
WHERE name = %(name)s AND deleted_at IS NULL AND paused_at IS NOT NULL;

-- name: set_resumed
WITH resumed AS (
    UPDATE send_task SET paused_at = NULL, paused_reason = NULL, paused_reason_explained = NULL, updated_at = now()
    WHERE name = %(name)s AND deleted_at IS NULL AND paused_at IS NOT NULL
    RETURNING id
), over AS (
    UPDATE task_pause SET resumed_at = now() WHERE task_id IN (SELECT id FROM resumed) AND resumed_at IS NULL
)
SELECT id FROM resumed;

-- name: set_cancelled
UPDATE send_task SET cancelled_at = now(), cancelled_reason = %(reason)s,
    cancelled_reason_explained = %(reason_explained)s::jsonb, updated_at = now()
WHERE name = %(name)s AND deleted_at IS NULL AND cancelled_at IS NULL;

-- name: set_deleted
UPDATE send_task SET deleted_at = now(), cancelled_at = coalesce(cancelled_at, now()),
    cancelled_reason = coalesce(cancelled_reason, %(reason)s),
    cancelled_reason_explained = CASE WHEN cancelled_reason IS NULL THEN %(reason_explained)s::jsonb
                                      ELSE cancelled_reason_explained END, updated_at = now()
WHERE name = %(name)s AND deleted_at IS NULL;

-- name: finish
-- A task with one occurrence is finished when that is; the others never finish by what was sent. A cancel that came when
-- the last of it was leaving stopped nothing.
UPDATE send_task t SET finished_at = now(), cancelled_at = NULL, cancelled_reason = NULL,
    cancelled_reason_explained = NULL
WHERE t.id = %(task_id)s AND t.finished_at IS NULL AND t.type IN ('immediate', 'scheduled', 'test')
  AND EXISTS (SELECT 1 FROM occurrence o WHERE o.task_id = t.id)
  AND NOT EXISTS (SELECT 1 FROM occurrence o WHERE o.task_id = t.id AND o.finished_at IS NULL);

-- name: reopen
UPDATE send_task SET finished_at = NULL WHERE id = %(task_id)s AND finished_at IS NOT NULL;

-- name: on_unknown_of
SELECT on_unknown FROM send_task WHERE id = %(task_id)s;

-- name: of_chunk
-- Everything that rendering needs to know of a task, and the names of the values that its audience was frozen with.
SELECT t.name, t.type, t.template, t.subject, t.sender, t.sender_domain, t.reply_to, t.unsubscribe_url,
       t.unsubscribe, t.advertisement, t.track_opens, t.track_clicks, t.on_unknown, t.edition, i.id AS installation_id,
       c.occurrence_id, c.task_id,
       (SELECT secret FROM token_secret ORDER BY id DESC LIMIT 1) AS token_secret,
       (SELECT bounce_domain FROM sender_domain WHERE domain = t.sender_domain) AS bounce_domain,
       -- An erased person has no values any more.
       ARRAY(SELECT jsonb_object_keys(f."values") FROM (
                 SELECT m."values" FROM message m
                 WHERE m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
                   AND jsonb_typeof(m."values") = 'object' AND m."values" <> '{}'
                 ORDER BY m.seq LIMIT 1) f) AS frozen_variables
FROM chunk c JOIN send_task t ON t.id = c.task_id CROSS JOIN installation i
WHERE c.id = %(chunk_id)s;

-- name: ever_any
-- Deleted tasks count too.
SELECT EXISTS (SELECT FROM send_task WHERE listed);
