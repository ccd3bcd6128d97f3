-- name: make_task
-- The send task of a sender domain's single messages: made at first use, in no list, without a group and without a DAG.
INSERT INTO send_task (name, type, template, sender, sender_domain, time_zone)
VALUES ('api:' || %(domain)s, 'api', '', %(domain)s, %(domain)s, 'UTC')
ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING;

-- name: task_of
SELECT id FROM send_task WHERE name = 'api:' || %(domain)s AND deleted_at IS NULL;

-- name: make_occurrence
-- The number tells a task's occurrences apart for people, who see none of these. The key is the process's name, and
-- behind it what can be noticed: `opens`, `clicks`.
INSERT INTO occurrence (task_id, key, run_id) VALUES (%(task_id)s, %(key)s, %(run_id)s) ON CONFLICT (task_id, key) DO NOTHING;

-- name: occurrence_of
SELECT id FROM occurrence WHERE task_id = %(task_id)s AND key = %(key)s;

-- name: open_chunk
-- Empty, behind the messages that are there, and behind those of which nobody knows whether they are (`behind`).
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sending_through, run_id,
                   reserved_at, quota_day_id)
SELECT %(occurrence_id)s, %(task_id)s, %(domain)s, l.seq + 1, l.seq, 'reserved', 0, l.seq, %(run_id)s, clock_timestamp(),
       %(quota_day_id)s
FROM (SELECT greatest(%(behind)s, coalesce((SELECT last_seq FROM chunk WHERE task_id = %(task_id)s AND occurrence_id = %(occurrence_id)s
                       ORDER BY first_seq DESC, last_seq DESC LIMIT 1), 0)) AS seq) l
RETURNING id, first_seq;

-- name: seconds_left
SELECT extract(epoch FROM ends_at - clock_timestamp())::float8 FROM quota_day WHERE id = %(id)s;

-- name: give_back_single
-- What of its places a chunk of single messages did not use, it did not take of their share either.
UPDATE quota_day SET single = greatest(0, single - %(count)s) WHERE id = %(id)s;

-- name: take_single
UPDATE quota_day SET reserved = reserved + %(count)s, single = single + %(count)s WHERE id = %(id)s;
