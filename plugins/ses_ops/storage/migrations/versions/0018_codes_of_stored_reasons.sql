-- Beside each stored sentence what it was made of: {"code": ..., "facts": {...}} (ses_ops/errors.py, Explanation). NULL
-- with a sentence: an earlier version stored it, or a person wrote it; it is shown as it is.
ALTER TABLE send_task ADD COLUMN error_explained jsonb, ADD COLUMN paused_reason_explained jsonb,
    ADD COLUMN cancelled_reason_explained jsonb;
ALTER TABLE occurrence ADD COLUMN held_reason_explained jsonb;
ALTER TABLE chunk ADD COLUMN reason_explained jsonb;

-- As before, and with what `why` was made of.
CREATE OR REPLACE VIEW chunk_now AS
SELECT c.id, c.occurrence_id, c.task_id, c.sender_domain, c.first_seq, c.last_seq, c.state, c.pending, c.sent, c.failed,
       c.suppressed, c.unknown, c.sending_through, c.cached_at, c.due_at, c.reason, c.setbacks, c.run_id, c.reserved_at,
       c.attempt_id, s.standing,
       CASE WHEN s.standing = 'sending' THEN NULL
            WHEN s.standing = 'cancelled' THEN coalesce(t.cancelled_reason, 'the task is cancelled')
            ELSE coalesce(t.paused_reason, t.error, c.reason) END AS why,
       CASE WHEN c.state = 'cached' AND s.standing IN ('cached', 'retrying') AND t.paused_at IS NULL AND t.error IS NULL THEN c.due_at END
           AS next_try_at,
       CASE WHEN s.standing = 'sending' THEN NULL
            WHEN s.standing = 'cancelled' THEN CASE WHEN t.cancelled_reason IS NULL THEN '{"code": "task_is_cancelled", "facts": {}}'
                                               ELSE t.cancelled_reason_explained END
            WHEN t.paused_reason IS NOT NULL THEN t.paused_reason_explained
            WHEN t.error IS NOT NULL THEN t.error_explained
            ELSE c.reason_explained END AS why_explained
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