"""Use cases of ses-ops, one function each.

The console, the command line and the DAGs change data only through them. A use case is
`(conn, actor, values) -> value`. It owns the transaction, writes the entry in the audit log around it, and returns a
frozen value: what was changed and which notices the scheduler has to get (`changed.py`). `ports.py` has the ports.
"""
