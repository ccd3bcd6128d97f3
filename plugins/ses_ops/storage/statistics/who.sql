-- name: who
-- Messages of a task that were opened or clicked, behind a key, in the order of sending; perhaps only those whose link of
-- that id was clicked. The index of the task has the order.
SELECT e.occurrence_id, e.seq, m.address, e.opens_people, e.opens_machines, e.opens_unknown, e.clicks_people,
       e.clicks_machines, e.clicks_unknown
FROM message_engagement e JOIN message m ON m.occurrence_id = e.occurrence_id AND m.seq = e.seq
WHERE e.task_id = %(task_id)s AND (e.occurrence_id, e.seq) > (%(after_occurrence)s, %(after_seq)s)
  AND CASE %(what)s WHEN 'opened' THEN e.opens_people + e.opens_machines + e.opens_unknown > 0
           ELSE e.clicks_people + e.clicks_machines + e.clicks_unknown > 0 END
  AND (%(link_id)s::bigint IS NULL OR EXISTS (
      SELECT FROM engagement g WHERE g.occurrence_id = e.occurrence_id AND g.seq = e.seq AND g.link_id = %(link_id)s))
ORDER BY e.occurrence_id, e.seq LIMIT %(limit)s;
