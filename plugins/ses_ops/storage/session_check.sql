-- name: process
SELECT pg_backend_pid();

-- name: check_interval
SELECT setting::int FROM pg_settings WHERE name = 'client_connection_check_interval';

-- name: server
SELECT split_part(version(), ' ', 2) AS version, current_database() AS name,
       pg_database_size(current_database()) AS size;
