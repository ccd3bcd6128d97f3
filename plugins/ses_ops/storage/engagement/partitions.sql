-- name: wait_a_moment
SELECT set_config('lock_timeout', %(timeout)s, true);

-- name: there
SELECT to_regclass('engagement_' || to_char(%(month)s::date, 'YYYY_MM')) IS NOT NULL;

-- name: make
SELECT make_engagement_month(%(month)s::date);

-- name: drop
SELECT drop_engagement_months(%(kept_from)s::date);

-- name: clear_odd_dates
-- What has odd dates stays as long as it would by the time at which it came.
DELETE FROM engagement_default WHERE received_at < %(kept_from)s::date::timestamp AT TIME ZONE 'UTC';

-- name: empty_devices
-- Addresses and user agents of events that came before a moment, a part of them at a time. The verdict stays.
UPDATE engagement e SET ip = NULL, user_agent = NULL
FROM (
    SELECT event_key, occurred_at FROM engagement
    WHERE user_agent IS NOT NULL AND received_at < %(before)s ORDER BY received_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) old
WHERE e.event_key = old.event_key AND e.occurred_at = old.occurred_at;
