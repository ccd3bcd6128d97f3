"""Airflow timetables: when the DAG of a send task runs."""
