"""What recipients and providers reach, without a login: a listener of its own, never part of Airflow's web server."""
