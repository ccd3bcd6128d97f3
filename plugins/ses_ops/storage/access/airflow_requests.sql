-- name: ask
INSERT INTO airflow_request (kind, subject, facts, asked_by) VALUES (%(kind)s, %(subject)s, %(facts)s, %(asked_by)s) RETURNING id;

-- name: amend
UPDATE airflow_request SET facts = %(facts)s WHERE id = %(id)s AND done_at IS NULL;

-- name: take
-- In the order of asking, each by one process at a time: the rows stay locked until what they ask for is done. Entries of the
-- audit log that were written a moment ago may still be amended.
SELECT id, kind, subject, facts, asked_at, asked_by FROM airflow_request
WHERE done_at IS NULL AND kind = ANY(%(kinds)s::text[]) AND (kind <> 'audit_entry' OR asked_at < now() - interval '5 seconds')
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: done
UPDATE airflow_request SET done_at = now(), problem = %(problem)s WHERE id = %(id)s;

-- name: open
SELECT count(*) AS waiting, min(asked_at) AS since FROM airflow_request WHERE done_at IS NULL AND kind <> 'audit_entry';

-- name: be_alone
-- Until the session ends: one process at a time asks Airflow, whose code takes seconds of CPU to load.
SELECT pg_advisory_lock(7368, 16);

-- name: to_do
-- Whether anything is asked for, or no copy was made since a moment.
SELECT EXISTS (SELECT FROM airflow_request WHERE done_at IS NULL)
    OR NOT EXISTS (SELECT FROM airflow_copy WHERE copied_at > %(since)s);

-- name: forget
DELETE FROM airflow_request WHERE done_at < now() - make_interval(days => %(days)s);
