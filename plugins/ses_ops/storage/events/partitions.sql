-- name: wait_a_moment
SELECT set_config('lock_timeout', %(timeout)s, true);

-- name: there
SELECT to_regclass('message_event_' || to_char(%(month)s::date, 'YYYY_MM')) IS NOT NULL;

-- name: make
SELECT make_event_month(%(month)s::date);

-- name: drop
SELECT drop_event_months(%(kept_from)s::date);

-- name: clear_odd_dates
-- What has odd dates stays as long as it would by the time at which it came.
DELETE FROM message_event_default WHERE received_at < %(kept_from)s::date::timestamp AT TIME ZONE 'UTC';
