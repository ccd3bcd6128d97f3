-- name: failed_by_code
-- Failed messages of a task by the server's code, how many of them are to addresses that are on the suppression list now,
-- and the first of the server's words by the alphabet.
SELECT m.smtp_code AS code, count(*)::int AS count, count(s.address_key)::int AS suppressed, min(m.smtp_text) AS text
FROM chunk c
JOIN message m ON m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
LEFT JOIN suppression s ON s.address_key = m.address_key AND (s.expires_at IS NULL OR s.expires_at > now())
WHERE c.task_id = %(task_id)s AND c.failed > 0 AND m.state = 'failed'
GROUP BY m.smtp_code ORDER BY 2 DESC, 1;
