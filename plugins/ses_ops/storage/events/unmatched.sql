-- name: insert
INSERT INTO unmatched_event (event_key, source, source_id, kind, why, why_explained, raw)
VALUES (%(event_key)s::uuid, %(source)s, %(source_id)s, %(kind)s::event_kind, %(why)s, %(why_explained)s::jsonb, %(raw)s)
ON CONFLICT (event_key) DO NOTHING;
