-- name: is_there
SELECT to_regclass('ses_schema_version') IS NOT NULL;

-- name: version
SELECT version_num FROM ses_schema_version;
