-- name: chunks_with_failures
-- Chunks in which messages failed, the newest first. `steps` changes whenever an outcome is written.
SELECT id, occurrence_id, first_seq, last_seq, failed, steps, attempt_id FROM chunk
WHERE task_id = %(task_id)s AND (%(occurrence_id)s::bigint IS NULL OR occurrence_id = %(occurrence_id)s)
  AND (%(chunk_ids)s::bigint[] IS NULL OR id = ANY(%(chunk_ids)s)) AND failed > 0
ORDER BY occurrence_id DESC, first_seq DESC LIMIT %(limit)s;

-- name: failures_in
-- Failed messages of some chunks by the server's code, each with the first of them.
SELECT r.chunk_id, m.smtp_code AS code, count(*)::int AS count, (array_agg(m.seq ORDER BY m.seq))[1:3] AS seqs
FROM unnest(%(chunks)s::bigint[], %(occurrences)s::bigint[], %(firsts)s::int[], %(lasts)s::int[])
    AS r (chunk_id, occurrence_id, first_seq, last_seq)
JOIN message m ON m.occurrence_id = r.occurrence_id AND m.seq BETWEEN r.first_seq AND r.last_seq
WHERE m.state = 'failed'
GROUP BY 1, 2;

-- name: examples
SELECT m.occurrence_id, m.seq, m.address, m.smtp_text FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS r (o, s)
JOIN message m ON m.occurrence_id = r.o AND m.seq = r.s;

-- name: failed_by_code
-- Failed messages of a task by the server's code, how many of them are to addresses that are on the suppression list now,
-- and the first of the server's words by the alphabet.
SELECT m.smtp_code AS code, count(*)::int AS count, count(*) FILTER (WHERE EXISTS (
           SELECT FROM suppression s
           WHERE s.address_key = m.address_key AND s.scope IN ('', t.sender_domain)
             AND (s.expires_at IS NULL OR s.expires_at > now())))::int AS suppressed, min(m.smtp_text) AS text
FROM chunk c
JOIN send_task t ON t.id = c.task_id
JOIN message m ON m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
WHERE c.task_id = %(task_id)s AND c.failed > 0 AND m.state = 'failed'
GROUP BY m.smtp_code ORDER BY 2 DESC, 1;
