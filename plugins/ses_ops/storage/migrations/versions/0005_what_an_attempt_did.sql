-- When how many messages left, without looking at one: an attempt notes what its chunk had counted when it began, and
-- what it added when it ended (NULL: it goes on, or its end was not noticed). Written once an attempt, never in a step.
ALTER TABLE attempt
    ADD COLUMN sent_before   integer NOT NULL DEFAULT 0,
    ADD COLUMN failed_before integer NOT NULL DEFAULT 0,
    ADD COLUMN sent          integer,
    ADD COLUMN failed        integer;

-- Of what is there already: the last attempt at a chunk is taken for the one that sent it; nearly always it is the only.
UPDATE attempt a SET sent = CASE WHEN last.id = a.id THEN c.sent ELSE 0 END,
                     failed = CASE WHEN last.id = a.id THEN c.failed ELSE 0 END
FROM (SELECT chunk_id, max(id) AS id FROM attempt GROUP BY chunk_id) last
JOIN chunk c ON c.id = last.chunk_id
WHERE last.chunk_id = a.chunk_id AND (a.ended_at IS NOT NULL OR last.id <> a.id);
