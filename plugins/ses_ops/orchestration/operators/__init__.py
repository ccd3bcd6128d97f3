"""The tasks of our DAGs: thin operators that call sending."""
