-- name: write
INSERT INTO airflow_copy (name, value) VALUES (%(name)s, %(value)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, copied_at = now();

-- name: read
SELECT name, value, copied_at FROM airflow_copy;
