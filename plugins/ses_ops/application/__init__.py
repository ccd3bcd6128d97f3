"""Use cases, one function each: every change goes through here, whoever asks for it.

A use case is `(conn, actor, values) -> value`. It owns the transaction, asks for the entry in the audit log around it,
and says in a frozen value what was changed and which notices the scheduler has to get (`changed.py`); the ports are in
`ports.py`.
"""
