"""HTTP for programs: our own API and that of the reference. No Airflow."""
