-- name: add
INSERT INTO event_feed AS f (source, events, repetitions, unmatched)
SELECT source, events, repetitions, unmatched
FROM json_to_recordset(%(feeds)s::json) AS r (source text, events bigint, repetitions bigint, unmatched bigint)
ORDER BY source
ON CONFLICT (source) DO UPDATE SET last_at = now(), events = f.events + excluded.events,
    repetitions = f.repetitions + excluded.repetitions, unmatched = f.unmatched + excluded.unmatched;

-- name: note_refused
INSERT INTO event_feed AS f (source, refused, last_refused_at, last_refusal, last_refusal_explained)
VALUES (%(source)s, 1, now(), %(last_refusal)s, %(last_refusal_explained)s::jsonb)
ON CONFLICT (source) DO UPDATE SET refused = f.refused + 1, last_refused_at = now(), last_refusal = excluded.last_refusal,
    last_refusal_explained = excluded.last_refusal_explained;

-- name: feeds
SELECT source, first_at, last_at, events, repetitions, unmatched, refused, last_refused_at, last_refusal,
       last_refusal_explained
FROM event_feed ORDER BY source;

-- name: sent_since
-- Messages that servers accepted, without test sends, by the attempts that began since; no message is read.
SELECT coalesce(sum(coalesce(
           a.sent, CASE WHEN a.id = c.attempt_id THEN greatest(0, c.sent::bigint - a.sent_before) END, 0)), 0)::bigint
FROM attempt a JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id
WHERE a.started_at >= %(since)s AND t.counted;
