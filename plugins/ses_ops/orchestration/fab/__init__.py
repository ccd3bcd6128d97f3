"""Rights of roles, where Airflow's auth manager is FAB's."""
