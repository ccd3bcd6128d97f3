-- name: of_domain
SELECT sender_domain, level, next_level, next_day, blocked_until, blocked_why, pinned_level, max_level, reset_at, judged_at,
       judged_day
FROM reputation WHERE sender_domain = %(sender_domain)s;

-- name: of_domains
SELECT sender_domain, level, next_level, next_day, blocked_until, blocked_why, pinned_level, max_level, reset_at, judged_at,
       judged_day
FROM reputation WHERE sender_domain = ANY(%(sender_domains)s);

-- name: write
INSERT INTO reputation (sender_domain, level, next_level, next_day, blocked_until, blocked_why, pinned_level, max_level,
                        reset_at, judged_day)
VALUES (%(sender_domain)s, %(level)s, %(next_level)s, %(next_day)s, %(blocked_until)s, %(blocked_why)s::jsonb,
        %(pinned_level)s, %(max_level)s, %(reset_at)s, %(judged_day)s)
ON CONFLICT (sender_domain) DO UPDATE SET level = excluded.level, next_level = excluded.next_level,
    next_day = excluded.next_day, blocked_until = excluded.blocked_until, blocked_why = excluded.blocked_why,
    pinned_level = excluded.pinned_level, max_level = excluded.max_level, reset_at = excluded.reset_at,
    judged_day = excluded.judged_day;

-- name: note_judged
UPDATE reputation SET judged_at = clock_timestamp(), judged_day = %(judged_day)s WHERE sender_domain = %(sender_domain)s;

-- name: note_all_judged
-- In one order, as all who lock several rows.
UPDATE reputation r SET judged_at = clock_timestamp(), judged_day = greatest(r.judged_day, j.judged_day)
FROM (
    SELECT sender_domain, a.judged_day
    FROM unnest(%(domains)s::text[], %(days)s::timestamptz[]) AS a (sender_domain, judged_day)
    JOIN reputation USING (sender_domain) ORDER BY sender_domain FOR UPDATE OF reputation
) j WHERE r.sender_domain = j.sender_domain;
