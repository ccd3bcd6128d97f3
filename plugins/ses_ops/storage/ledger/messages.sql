-- name: ranges
-- What a list of messages reads, between two keys, in the order of sending or with `back` against it: the chunks that may
-- hold one of the status. A chunk whose counters say that it holds none is not looked at. The keys of a direction that is
-- not taken are constants to the planner: either way it reads the index.
SELECT c.id, c.occurrence_id,
       CASE WHEN c.occurrence_id = %(after_occurrence)s THEN greatest(c.first_seq, %(after_seq)s + 1)
            ELSE c.first_seq END AS first_seq,
       CASE WHEN c.occurrence_id = %(through_occurrence)s THEN least(c.last_seq, %(through_seq)s)
            ELSE c.last_seq END AS last_seq
FROM chunk_now c
WHERE c.task_id = %(task_id)s AND (%(occurrence_id)s::bigint IS NULL OR c.occurrence_id = %(occurrence_id)s)
  AND (%(chunk_ids)s::bigint[] IS NULL OR c.id = ANY(%(chunk_ids)s))
  AND c.occurrence_id BETWEEN %(after_occurrence)s AND %(through_occurrence)s
  AND (c.occurrence_id > %(after_occurrence)s OR c.last_seq > %(after_seq)s)
  AND (c.occurrence_id < %(through_occurrence)s OR c.first_seq <= %(through_seq)s)
  AND CASE %(status)s::text WHEN 'sent' THEN c.sent > 0 WHEN 'failed' THEN c.failed > 0
           WHEN 'suppressed' THEN c.suppressed > 0 WHEN 'unknown' THEN c.unknown > 0
           ELSE %(status)s IS NULL OR c.standing = %(status)s END
ORDER BY CASE WHEN %(back)s THEN c.occurrence_id END DESC, CASE WHEN %(back)s THEN c.first_seq END DESC,
         CASE WHEN NOT %(back)s THEN c.occurrence_id END, CASE WHEN NOT %(back)s THEN c.first_seq END
LIMIT %(limit)s;

-- name: messages
-- Messages as a person sees them: what their rows hold, read together with where their chunk stands. Range after range,
-- and of each no more than can be shown. With `back` the last ones, the last first.
SELECT o.key AS occurrence, o.number AS start, c.occurrence_id, m.seq, m.address, m.status, m.tries, m.smtp_code,
       m.smtp_text, m.changed_at, CASE WHEN m.pending THEN c.next_try_at END AS next_try_at,
       CASE WHEN m.pending THEN coalesce(c.why, '') ELSE '' END AS chunk_reason,
       CASE WHEN m.pending THEN c.why_explained END AS chunk_reason_explained
FROM unnest(%(chunks)s::bigint[], %(firsts)s::int[], %(lasts)s::int[]) AS r (chunk_id, first_seq, last_seq)
JOIN chunk_now c ON c.id = r.chunk_id
JOIN occurrence o ON o.id = c.occurrence_id
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT seq, address, tries, smtp_code, smtp_text, changed_at, state IN ('queued', 'requeued', 'sending') AS pending,
               CASE WHEN state IN ('queued', 'requeued', 'sending') THEN coalesce(c.standing, 'queued') ELSE state::text END AS status
        FROM message
        WHERE occurrence_id = c.occurrence_id AND seq BETWEEN r.first_seq AND r.last_seq
          AND (%(patterns)s::text[] IS NULL OR address_key LIKE ANY(%(patterns)s))
    ) seen
    WHERE %(status)s::text IS NULL OR status = %(status)s
    ORDER BY CASE WHEN %(back)s THEN seq END DESC, CASE WHEN NOT %(back)s THEN seq END LIMIT %(limit)s
) m
ORDER BY CASE WHEN %(back)s THEN c.occurrence_id END DESC, CASE WHEN %(back)s THEN m.seq END DESC,
         c.occurrence_id, m.seq
LIMIT %(limit)s;

-- name: messages_to
-- The same of one address, found by its key: a task may have thousands of chunks, an address has few messages. They are
-- found first of all (OFFSET 0): the planner, which takes two keys for a narrow range, would read the ledger between them.
SELECT * FROM (
    SELECT o.key AS occurrence, o.number AS start, m.occurrence_id, m.seq, m.address,
           CASE WHEN p.pending THEN coalesce(c.standing, 'queued') ELSE m.state::text END AS status,
           m.tries, m.smtp_code, m.smtp_text, m.changed_at, CASE WHEN p.pending THEN c.next_try_at END AS next_try_at,
           CASE WHEN p.pending THEN coalesce(c.why, '') ELSE '' END AS chunk_reason,
           CASE WHEN p.pending THEN c.why_explained END AS chunk_reason_explained
    FROM (SELECT * FROM message WHERE address_key = %(address_key)s OFFSET 0) m
    JOIN occurrence o ON o.id = m.occurrence_id
    JOIN chunk_now c ON c.task_id = o.task_id AND c.occurrence_id = m.occurrence_id
                    AND m.seq BETWEEN c.first_seq AND c.last_seq
    CROSS JOIN LATERAL (SELECT m.state IN ('queued', 'requeued', 'sending') AS pending) p
    WHERE o.task_id = %(task_id)s
      AND (%(occurrence_id)s::bigint IS NULL OR m.occurrence_id = %(occurrence_id)s)
      AND (%(chunk_ids)s::bigint[] IS NULL OR c.id = ANY(%(chunk_ids)s))
      AND (m.occurrence_id, m.seq) > (%(after_occurrence)s, %(after_seq)s)
      AND (m.occurrence_id, m.seq) <= (%(through_occurrence)s, %(through_seq)s)
) seen
WHERE %(status)s::text IS NULL OR status = %(status)s
ORDER BY CASE WHEN %(back)s THEN occurrence_id END DESC, CASE WHEN %(back)s THEN seq END DESC, occurrence_id, seq
LIMIT %(limit)s;

-- name: messages_at
-- Messages at some keys, each with where its chunk stands.
SELECT * FROM (
    SELECT o.key AS occurrence, o.number AS start, m.occurrence_id, m.seq, m.address,
           CASE WHEN p.pending THEN coalesce(c.standing, 'queued') ELSE m.state::text END AS status,
           m.tries, m.smtp_code, m.smtp_text, m.changed_at, CASE WHEN p.pending THEN c.next_try_at END AS next_try_at,
           CASE WHEN p.pending THEN coalesce(c.why, '') ELSE '' END AS chunk_reason,
           CASE WHEN p.pending THEN c.why_explained END AS chunk_reason_explained
    FROM unnest(%(occurrences)s::bigint[], %(seqs)s::int[]) AS k (occurrence_id, seq)
    JOIN message m USING (occurrence_id, seq)
    JOIN occurrence o ON o.id = m.occurrence_id
    CROSS JOIN LATERAL (SELECT m.state IN ('queued', 'requeued', 'sending') AS pending) p
    LEFT JOIN LATERAL (
        SELECT * FROM chunk_now c WHERE p.pending AND c.task_id = o.task_id AND c.occurrence_id = m.occurrence_id
                                    AND m.seq BETWEEN c.first_seq AND c.last_seq LIMIT 1
    ) c ON true
    WHERE %(patterns)s::text[] IS NULL OR m.address_key LIKE ANY(%(patterns)s)
) seen
WHERE %(status)s::text IS NULL OR status = %(status)s
ORDER BY CASE WHEN %(back)s THEN occurrence_id END DESC, CASE WHEN %(back)s THEN seq END DESC, occurrence_id, seq
LIMIT %(limit)s;
