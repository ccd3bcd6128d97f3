"""Where Airflow meets sending: thin operators, what DAG files read, and what the command line asks of Airflow."""
