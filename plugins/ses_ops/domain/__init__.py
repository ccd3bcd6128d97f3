"""The rules of mass mailing: pure functions of their arguments. No clock, no database, no Airflow."""
