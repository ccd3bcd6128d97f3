"""Rights of roles, where Airflow's auth manager is that of FAB."""
