-- name: begin
-- The unique key makes it happen once, whatever Airflow repeats. The caller holds the task's row: no number is given twice.
INSERT INTO occurrence (task_id, key, run_id, logical_at, number)
SELECT %(task_id)s, %(key)s, %(run_id)s, %(logical_at)s, coalesce(max(number), 0) + 1
FROM occurrence WHERE task_id = %(task_id)s
ON CONFLICT (task_id, key) DO NOTHING;

-- name: lock_unfrozen
-- The occurrence of this run, and with `with_held` those that waited for a person: its own last, else the newest.
SELECT id, held_reason, held_reason_explained FROM occurrence
WHERE task_id = %(task_id)s AND frozen_at IS NULL AND (key = %(key)s OR (%(with_held)s AND held_reason IS NOT NULL))
ORDER BY key IS NOT DISTINCT FROM %(key)s, coalesce(logical_at, created_at), id FOR UPDATE;

-- name: hold
UPDATE occurrence SET held_reason = %(reason)s, held_reason_explained = %(reason_explained)s::jsonb WHERE id = %(id)s;

-- name: supersede
-- A newer occurrence is started in the place of this one, which is over with an empty audience and says why.
UPDATE occurrence SET held_reason = %(reason)s, held_reason_explained = %(reason_explained)s::jsonb,
    frozen_at = now(), finished_at = now() WHERE id = %(id)s;

-- name: write_audience
-- The whole audience in one statement; the address order of the file is the order of sending. An address has at most one
-- entry of the suppression list for all mail and one for the bulk mail of a sender domain. Returns the variables that
-- these recipients have: one statement sees one moment, so an import that goes on is not waited for.
WITH written AS (
    INSERT INTO message (occurrence_id, seq, state, address, address_key, "values", changed_at, smtp_text)
    SELECT %(occurrence_id)s, row_number() OVER (ORDER BY r.position),
           CASE WHEN coalesce(s.reason, b.reason) IS NULL THEN 'queued' ELSE 'suppressed' END::message_state,
           r.address, r.address_key, r."values",
           CASE WHEN coalesce(s.reason, b.reason) IS NULL THEN NULL ELSE now() END, coalesce(s.reason, b.reason)
    FROM recipient r
    LEFT JOIN suppression s ON s.address_key = r.address_key AND s.scope = ''
        AND (s.expires_at IS NULL OR s.expires_at > now())
    LEFT JOIN suppression b ON b.address_key = r.address_key AND b.scope = %(sender_domain)s
        AND (b.expires_at IS NULL OR b.expires_at > now())
    WHERE r.group_id = %(group_id)s
)
SELECT variables FROM recipient_group WHERE id = %(group_id)s AND deleted_at IS NULL;

-- name: write_test_messages
-- A test send names its addresses itself. It counts as bulk mail.
INSERT INTO message (occurrence_id, seq, address, address_key, "values", state, changed_at, smtp_text)
SELECT %(occurrence_id)s, r.seq, r.address, r.address_key, %(values)s::jsonb,
       CASE WHEN coalesce(s.reason, b.reason) IS NULL THEN 'queued' ELSE 'suppressed' END::message_state,
       CASE WHEN coalesce(s.reason, b.reason) IS NULL THEN NULL ELSE now() END, coalesce(s.reason, b.reason)
FROM unnest(%(addresses)s::text[], %(keys)s::text[]) WITH ORDINALITY AS r(address, address_key, seq)
LEFT JOIN suppression s ON s.address_key = r.address_key AND s.scope = ''
    AND (s.expires_at IS NULL OR s.expires_at > now())
LEFT JOIN suppression b ON b.address_key = r.address_key AND b.scope = %(sender_domain)s
    AND (b.expires_at IS NULL OR b.expires_at > now());

-- name: mark_frozen
-- Counts what was written and puts all of it into one cached chunk, from which reserving cuts.
WITH counted AS (
    SELECT count(*)::int AS total, count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed
    FROM message WHERE occurrence_id = %(occurrence_id)s
), frozen AS (
    UPDATE occurrence o SET frozen_at = now(), held_reason = NULL, held_reason_explained = NULL, request_count = c.total
    FROM counted c WHERE o.id = %(occurrence_id)s RETURNING o.id, o.task_id
)
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, suppressed,
                   sending_through, due_at)
SELECT f.id, f.task_id, %(sender_domain)s, 1, c.total,
       CASE WHEN c.total = c.suppressed THEN 'settled' ELSE 'cached' END::chunk_state,
       c.total - c.suppressed, c.suppressed, 0, now()
FROM frozen f, counted c WHERE c.total > 0;

-- name: of_run
SELECT id, request_count, frozen_at, held_reason, held_reason_explained FROM occurrence
WHERE task_id = %(task_id)s AND (key = %(key)s OR run_id = %(run_id)s) ORDER BY id;

-- name: finish
UPDATE occurrence o SET finished_at = now()
WHERE o.task_id = %(task_id)s AND o.finished_at IS NULL AND o.frozen_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.occurrence_id = o.id AND c.task_id = o.task_id AND c.state <> 'settled');

-- name: tasks_to_finish
-- Tasks of which nothing is left to be sent and whose last run did not live to say so. An occurrence of single messages ends
-- with its process.
SELECT DISTINCT t.name FROM occurrence o JOIN send_task t ON t.id = o.task_id
WHERE o.finished_at IS NULL AND o.frozen_at IS NOT NULL AND t.deleted_at IS NULL AND t.type <> 'api'
  AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.occurrence_id = o.id AND c.task_id = o.task_id AND c.state <> 'settled')
ORDER BY t.name;

-- name: reopen
UPDATE occurrence o SET finished_at = NULL WHERE o.task_id = %(task_id)s AND o.finished_at IS NOT NULL
  AND EXISTS (SELECT 1 FROM chunk c WHERE c.task_id = o.task_id AND c.occurrence_id = o.id AND c.state <> 'settled');

-- name: any_of_task
SELECT EXISTS (SELECT 1 FROM occurrence WHERE task_id = %(task_id)s);
