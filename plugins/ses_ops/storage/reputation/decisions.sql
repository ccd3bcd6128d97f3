-- name: insert
INSERT INTO reputation_decision (sender_domain, decided_at, quota_day, of_day, effective_at, kind, level_before, level_after,
                                 why, figures, shadow, actor, note)
VALUES (%(sender_domain)s, %(decided_at)s, %(quota_day)s, %(of_day)s, %(effective_at)s, %(kind)s, %(level_before)s,
        %(level_after)s, %(why)s::jsonb, %(figures)s::jsonb, %(shadow)s, %(actor)s, %(note)s)
RETURNING id, sender_domain, decided_at, kind, quota_day, of_day, effective_at, level_before, level_after, why, figures,
          (figures ->> 'window_from')::timestamptz AS window_from, shadow, actor, note;

-- name: of_domain
SELECT id, sender_domain, decided_at, kind, quota_day, of_day, effective_at, level_before, level_after, why, figures,
       (figures ->> 'window_from')::timestamptz AS window_from, shadow, actor, note
FROM reputation_decision
WHERE sender_domain = %(sender_domain)s
  AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s OR of_day >= %(since)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: past_of
-- Each day lowers, blocks and alarms once, whatever became of the decision; a person's own block is none of the figures. What
-- happened before the first judging, or while a person had pinned the level, lowers nothing afterwards.
SELECT d.sender_domain, coalesce(array_agg(d.of_day) FILTER (WHERE d.kind = 'lower' AND d.of_day IS NOT NULL), '{}') AS lowered,
       coalesce(array_agg(d.quota_day) FILTER (WHERE d.kind = 'block' AND d.actor IS NULL), '{}') AS blocked,
       coalesce(array_agg(d.of_day) FILTER (WHERE d.kind = 'alarm' AND d.of_day IS NOT NULL), '{}') AS alarmed,
       max(d.quota_day) FILTER (WHERE d.kind IN ('start', 'unpin')) AS lower_from
FROM unnest(%(domains)s::text[], %(since)s::timestamptz[]) AS a (sender_domain, since)
JOIN reputation_decision d ON d.sender_domain = a.sender_domain AND (d.quota_day >= a.since OR d.of_day >= a.since)
WHERE d.kind IN ('lower', 'block', 'alarm', 'start', 'unpin')
GROUP BY d.sender_domain;

-- name: alarming
-- Of each domain the newest one that lowered or blocked it, or alarmed, the block before what was decided with it. Not what
-- was only computed, and not what a person has taken back since.
SELECT DISTINCT ON (d.sender_domain)
       d.id, d.sender_domain, d.decided_at, d.kind, d.quota_day, d.of_day, d.effective_at, d.level_before, d.level_after,
       d.why, d.figures, (d.figures ->> 'window_from')::timestamptz AS window_from, d.shadow, d.actor, d.note
FROM reputation_decision d
WHERE d.decided_at >= %(since)s AND d.kind IN ('lower', 'block', 'alarm') AND NOT d.shadow
  AND NOT EXISTS (
      SELECT FROM reputation_decision back
      WHERE back.sender_domain = d.sender_domain AND back.id > d.id
        AND (back.kind = 'reset' OR back.kind = 'release' AND d.kind = 'block'))
ORDER BY d.sender_domain, d.decided_at DESC, d.kind = 'block' DESC, d.id DESC;
