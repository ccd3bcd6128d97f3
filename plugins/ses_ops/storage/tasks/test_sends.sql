-- name: test_send
-- What a test send was to do; it is a send task of type test that no list shows.
SELECT id, template, subject, sender, sender_domain, created_at, cancelled_at, finished_at, error, error_explained
FROM send_task WHERE name = %(name)s AND type = 'test' AND deleted_at IS NULL;

-- name: messages
-- At most 20, with where each stands now.
SELECT m.address,
       CASE WHEN m.state IN ('queued', 'requeued', 'sending') THEN c.standing ELSE m.state::text END AS status,
       m.smtp_code, m.smtp_text, m.changed_at, coalesce(c.why, '') AS reason,
       c.why_explained AS reason_explained
FROM occurrence o
JOIN message m ON m.occurrence_id = o.id
JOIN chunk_now c ON c.task_id = o.task_id AND c.occurrence_id = o.id AND m.seq BETWEEN c.first_seq AND c.last_seq
WHERE o.task_id = %(task_id)s
ORDER BY m.seq LIMIT 100;
