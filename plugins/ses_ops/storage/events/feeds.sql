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
