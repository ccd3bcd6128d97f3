"""The tasks of the DAGs of ses-ops: thin operators that call `sending`."""
