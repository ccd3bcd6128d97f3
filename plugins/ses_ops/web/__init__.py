"""HTTP for server-rendered pages, without Airflow and without a database."""
