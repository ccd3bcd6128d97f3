"""Connections and Variables as Airflow itself finds them, in its own order."""
