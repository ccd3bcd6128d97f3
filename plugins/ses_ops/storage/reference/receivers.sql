-- name: receivers
-- Groups that exist, the newest first, and how many there are. `uploading`: an import into it has not ended.
SELECT g.id, g.name, coalesce(r.title, g.name) AS title, g.description, g.recipient_count, g.created_at,
       EXISTS (SELECT FROM import_run i WHERE i.group_name = g.name AND i.ended_at IS NULL
               AND i.seen_at > now() - interval '2 minutes') AS uploading,
       count(*) OVER ()::int AS total
FROM recipient_group g LEFT JOIN reference_receiver r ON r.group_id = g.id
WHERE g.deleted_at IS NULL
  AND (%(keyword)s::text IS NULL OR strpos(lower(coalesce(r.title, g.name)), lower(%(keyword)s)) > 0)
  AND (%(is_empty)s::boolean IS NULL OR (g.recipient_count = 0) = %(is_empty)s)
ORDER BY g.id DESC OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_receivers
-- Of a page behind the last one.
SELECT count(*)::int FROM recipient_group g LEFT JOIN reference_receiver r ON r.group_id = g.id
WHERE g.deleted_at IS NULL
  AND (%(keyword)s::text IS NULL OR strpos(lower(coalesce(r.title, g.name)), lower(%(keyword)s)) > 0)
  AND (%(is_empty)s::boolean IS NULL OR (g.recipient_count = 0) = %(is_empty)s);

-- name: receiver
SELECT g.id, g.name, coalesce(r.title, g.name) AS title, g.description, g.recipient_count, g.created_at, false AS uploading
FROM recipient_group g LEFT JOIN reference_receiver r ON r.group_id = g.id
WHERE g.deleted_at IS NULL AND g.id = %(id)s;

-- name: names_taken
-- Of the names that a title could become, those that a group has.
SELECT name FROM recipient_group WHERE deleted_at IS NULL AND name = ANY(%(names)s);

-- name: title_taken
SELECT EXISTS (
    SELECT FROM recipient_group g LEFT JOIN reference_receiver r ON r.group_id = g.id
    WHERE g.deleted_at IS NULL AND coalesce(r.title, g.name) = %(title)s
);

-- name: lock_titles
-- Two that make lists of one title wait for each other, until the transaction ends.
SELECT pg_advisory_xact_lock(7368, 3);

-- name: set_title
INSERT INTO reference_receiver (group_id, title)
SELECT id, %(title)s FROM recipient_group WHERE name = %(name)s AND deleted_at IS NULL
RETURNING group_id;

-- name: details
-- Recipients of a group in their order, with why they get no mail now, and how many there are in all and of each kind.
-- Of a group that is not looked through (no address, no status) the row of the group knows the number.
WITH found AS (
    SELECT r.position, r.address, r."values", s.reason
    FROM recipient r
    LEFT JOIN LATERAL (
        SELECT s.reason FROM suppression s
        WHERE s.address_key = r.address_key AND s.scope = '' AND (s.expires_at IS NULL OR s.expires_at > now()) LIMIT 1
    ) s ON true
    WHERE r.group_id = %(group_id)s AND (%(patterns)s::text[] IS NULL OR r.address_key LIKE ANY(%(patterns)s))
)
SELECT position, address, "values", reason FROM found
WHERE %(suppressed)s::boolean IS NULL OR (reason IS NOT NULL) = %(suppressed)s
ORDER BY position OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_details
SELECT count(*)::int AS total,
       count(*) FILTER (WHERE EXISTS (SELECT FROM suppression s WHERE s.address_key = r.address_key AND s.scope = ''
                                      AND (s.expires_at IS NULL OR s.expires_at > now())))::int AS suppressed
FROM recipient r
WHERE r.group_id = %(group_id)s AND (%(patterns)s::text[] IS NULL OR r.address_key LIKE ANY(%(patterns)s));
