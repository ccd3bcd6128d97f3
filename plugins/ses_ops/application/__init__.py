"""Use cases, one function each: whatever changes something goes through here, whoever asks for it.

A use case is `(conn, actor, values) -> value`. It owns the transaction, asks for the entry in the audit log around it,
and says in a frozen value what was changed and what the scheduler is to be told (`changed.py`); the ports are in
`ports.py`.
"""
