"""Triggers of deferrable operators: they wait in Airflow's triggerer, without a worker's slot."""
