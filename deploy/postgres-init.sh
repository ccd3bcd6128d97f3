#!/bin/sh
# Run by the postgres image when its data directory is empty, and only then: Airflow's database and ours, each with
# a role of its own that can do nothing in the other.
set -eu

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v airflow_password="$SES_AIRFLOW_DB_PASSWORD" -v ses_password="$SES_DB_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE ses LOGIN PASSWORD :'ses_password';
CREATE DATABASE airflow OWNER airflow ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE ses OWNER ses ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE airflow FROM PUBLIC;
REVOKE CONNECT ON DATABASE ses FROM PUBLIC;
SQL
