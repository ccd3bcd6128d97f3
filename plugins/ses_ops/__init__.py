"""ses-ops: a mass-mail console on Apache Airflow."""
