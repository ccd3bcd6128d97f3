-- A ledger as years of use leave it. Parameters: see big_ledger.py. Only for a database that is thrown away.

-- name: occurrences
-- Every tenth of the messages of a recurring task is an occurrence of its own; the others have one.
INSERT INTO occurrence (task_id, key, run_id, logical_at, frozen_at, request_count, finished_at)
SELECT t.id, 'slot ' || n, 'scheduled__' || n, now() - (n || ' days')::interval, now() - (n || ' days')::interval,
       s.messages / s.occurrences, now() - (n || ' days')::interval
FROM unnest(%(names)s::text[], %(messages)s::int[], %(occurrences)s::int[]) AS s (name, messages, occurrences)
JOIN send_task t ON t.name = s.name
CROSS JOIN LATERAL generate_series(1, s.occurrences) n
ORDER BY t.id, n DESC;

-- name: messages
-- Most were sent, some refused or suppressed, and the last three of a large occurrence are unknown.
INSERT INTO message (occurrence_id, seq, state, tries, smtp_code, attempt_id, changed_at, address, address_key,
                     "values", smtp_text)
SELECT o.id, n,
       CASE WHEN n %% 997 = 0 THEN 'failed' WHEN n %% 1009 = 0 THEN 'suppressed'
            WHEN o.request_count > 100000 AND n > o.request_count - 3 THEN 'unknown' ELSE 'sent' END::message_state,
       1, CASE WHEN n %% 997 = 0 THEN 550 ELSE 250 END, 1, o.frozen_at,
       'customer-' || n || '@customers.example', 'customer-' || n || '@customers.example',
       jsonb_build_object('name', 'Person ' || n, 'customer_id', 'C-' || n, 'coupon', 'SPRING-' || n),
       CASE WHEN n %% 997 = 0 THEN '5.1.1 no such user' ELSE '2.0.0 Ok' END
FROM occurrence o
CROSS JOIN LATERAL generate_series(o.request_count::bigint * %(part)s / %(parts)s + 1,
                                   o.request_count::bigint * (%(part)s + 1) / %(parts)s) n;

-- name: chunks
-- As reserving cuts them; the counters are a count of what was written above.
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, failed,
                   suppressed, unknown, sending_through)
SELECT m.occurrence_id, o.task_id, t.sender_domain, min(m.seq), max(m.seq), 'settled', 0,
       count(*) FILTER (WHERE m.state = 'sent'), count(*) FILTER (WHERE m.state = 'failed'),
       count(*) FILTER (WHERE m.state = 'suppressed'), count(*) FILTER (WHERE m.state = 'unknown'), max(m.seq)
FROM message m JOIN occurrence o ON o.id = m.occurrence_id JOIN send_task t ON t.id = o.task_id
GROUP BY m.occurrence_id, o.task_id, t.sender_domain, (m.seq - 1) / %(chunk_size)s;

-- name: attempts
-- One a chunk, at 5 000 messages a second; every twentieth chunk had one before it that died without a message.
INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, heartbeat_at, ended_at, ending, sent_before,
                     failed_before, sent, failed)
SELECT c.id, o.run_id, 'worker-1', 4242, began, ended, ended, CASE WHEN last THEN 'finished' ELSE 'died' END, 0, 0,
       CASE WHEN last THEN c.sent ELSE 0 END, CASE WHEN last THEN c.failed ELSE 0 END
FROM chunk c JOIN occurrence o ON o.id = c.occurrence_id
CROSS JOIN LATERAL generate_series(CASE WHEN c.id %% 20 = 0 THEN 0 ELSE 1 END, 1) try
CROSS JOIN LATERAL (SELECT o.frozen_at + c.first_seq / 5000 * interval '1 second' + (try - 1) * interval '1 minute'
                        AS began) b
CROSS JOIN LATERAL (SELECT began + (c.last_seq - c.first_seq + 1) * interval '0.2 milliseconds' AS ended,
                           try = 1 AS last) e
ORDER BY c.id, try;

-- name: chunks_of_attempts
UPDATE chunk c SET attempt_id = a.id, run_id = a.run_id, reserved_at = a.started_at, steps = 100,
    quota_day_id = (SELECT min(id) FROM quota_day)
FROM (SELECT DISTINCT ON (chunk_id) id, chunk_id, run_id, started_at FROM attempt ORDER BY chunk_id, id DESC) a
WHERE a.chunk_id = c.id;

-- name: cache_last_chunk
-- The largest task waits for tomorrow's quota with its last chunk.
WITH last AS (
    SELECT id, occurrence_id, first_seq, last_seq FROM chunk
    WHERE task_id = (SELECT id FROM send_task WHERE name = %(name)s) ORDER BY occurrence_id DESC, first_seq DESC LIMIT 1
), again AS (
    UPDATE message m SET state = 'queued', tries = 0, smtp_code = NULL, smtp_text = NULL, changed_at = NULL
    FROM last WHERE m.occurrence_id = last.occurrence_id AND m.seq BETWEEN last.first_seq AND last.last_seq - 3
), unsent AS (
    DELETE FROM attempt a USING last WHERE a.chunk_id = last.id
), open AS (
    UPDATE occurrence o SET finished_at = NULL FROM last WHERE o.id = last.occurrence_id
)
UPDATE chunk c SET state = 'cached', pending = c.last_seq - c.first_seq - 2, sent = 0, failed = 0, suppressed = 0,
    unknown = 3, cached_at = now(), due_at = now() + interval '1 day', reason = 'the quota is used up',
    sending_through = c.first_seq - 1, attempt_id = NULL, run_id = NULL, reserved_at = NULL
FROM last WHERE c.id = last.id;

-- name: quota_days
INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment, used)
SELECT %(domain)s, day, day + interval '1 day', n, 1000000, 30000
FROM generate_series(1, 365) n
CROSS JOIN LATERAL (SELECT date_trunc('day', now()) - (n || ' days')::interval AS day) d;
