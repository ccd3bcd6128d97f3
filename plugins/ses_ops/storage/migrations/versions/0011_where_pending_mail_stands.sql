-- Who cancelled a task and when, as a sentence: the reason of all its mail that never left.
ALTER TABLE send_task ADD COLUMN cancelled_reason text;
UPDATE send_task SET cancelled_reason = 'cancelled at ' || to_char(cancelled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
WHERE cancelled_at IS NOT NULL;
-- What has ended keeps its status: earlier versions let a person cancel or pause a finished task.
UPDATE send_task SET cancelled_at = NULL, cancelled_reason = NULL
WHERE finished_at < cancelled_at AND deleted_at IS NULL AND type IN ('immediate', 'scheduled');
UPDATE send_task SET paused_at = NULL, paused_reason = NULL
WHERE finished_at < paused_at AND type IN ('immediate', 'scheduled');
-- When persons had paused a task: a time in which nothing was sent is theirs, or that of a machine that was down.
CREATE TABLE task_pause (
    task_id    bigint NOT NULL,
    paused_at  timestamptz NOT NULL,
    -- NULL: it lasts.
    resumed_at timestamptz
);
CREATE INDEX task_pause_of_task ON task_pause (task_id, paused_at);
INSERT INTO task_pause (task_id, paused_at) SELECT id, paused_at FROM send_task WHERE paused_at IS NOT NULL;
-- Errors of the quota name their domain in words now.
UPDATE send_task SET error = regexp_replace(error, '^ses_warmup_quota\[''([^'']+)''\]\.?(\w*): ', 'nothing can be sent from ''\1'': \2: ')
WHERE starts_with(error, 'ses_warmup_quota[');
UPDATE send_task SET error = replace(error, ': : ', ': ') WHERE starts_with(error, 'nothing can be sent from ');

-- Each start of a task is known by its number, from 1: two of one minute look alike otherwise.
ALTER TABLE occurrence ADD COLUMN number integer NOT NULL DEFAULT 1;
UPDATE occurrence o SET number = n.number
FROM (SELECT id, row_number() OVER (PARTITION BY task_id ORDER BY id) AS number FROM occurrence) n
WHERE n.id = o.id AND n.number > 1;

-- What a person counted as sent was in the counts of chunks and in no attempt, and so missing from the days.
WITH counted AS (
    SELECT occurrence_id, sum(sent) AS sent FROM chunk GROUP BY 1
), noted AS (
    SELECT c.occurrence_id, sum(a.sent) AS sent, max(a.id) AS last, bool_or(a.sent IS NULL) AS open
    FROM attempt a JOIN chunk c ON c.id = a.chunk_id GROUP BY 1
)
UPDATE attempt a SET sent = a.sent + (counted.sent - noted.sent)
FROM counted JOIN noted USING (occurrence_id)
WHERE a.id = noted.last AND NOT noted.open AND counted.sent > noted.sent;

-- Where the pending mail of a chunk stands, in one place for every count, list and filter. Words of domain/message_state.py:
--   sending    a living sender holds it (a sign of life in the last 15 s)
--   cancelled  its task was cancelled or deleted: never sent
--   queued     waits for its turn: for its share of the quota, or, with it, for a sender
--   retrying   the mail server put it off, or was away: tried again
--   cached     waits for quota, or for a person to resume its task
-- `why` it is not on its way, and when it is tried again by itself (NULL: not by itself).
CREATE VIEW chunk_now AS
SELECT c.id, c.occurrence_id, c.task_id, c.sender_domain, c.first_seq, c.last_seq, c.state, c.pending, c.sent, c.failed,
       c.suppressed, c.unknown, c.sending_through, c.cached_at, c.due_at, c.reason, c.setbacks, c.run_id, c.reserved_at,
       c.attempt_id, s.standing,
       CASE WHEN s.standing = 'sending' THEN NULL
            WHEN s.standing = 'cancelled' THEN coalesce(t.cancelled_reason, 'the task is cancelled')
            ELSE coalesce(t.paused_reason, t.error, c.reason) END AS why,
       CASE WHEN c.state = 'cached' AND s.standing IN ('cached', 'retrying') AND t.paused_at IS NULL AND t.error IS NULL THEN c.due_at END
           AS next_try_at
FROM chunk c
JOIN send_task t ON t.id = c.task_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.pending = 0 THEN NULL
                WHEN c.state = 'reserved' AND EXISTS (
                    SELECT FROM attempt a WHERE a.id = c.attempt_id AND a.ended_at IS NULL
                    AND a.heartbeat_at > now() - interval '15 seconds') THEN 'sending'
                WHEN t.cancelled_at IS NOT NULL OR t.deleted_at IS NOT NULL THEN 'cancelled'
                -- What the last try met is noted while Airflow repeats it.
                WHEN c.state = 'reserved' AND c.reason IS NOT NULL THEN 'retrying'
                WHEN c.state = 'reserved' OR c.cached_at IS NULL THEN 'queued'
                WHEN c.setbacks > 0 THEN 'retrying'
                ELSE 'cached' END AS standing
) s;
