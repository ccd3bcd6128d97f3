"""Statements about keys, and what is copied from and asked of Airflow."""
