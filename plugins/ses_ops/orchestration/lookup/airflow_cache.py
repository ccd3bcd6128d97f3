"""Airflow's cache of connections, and the masking of their secrets in its logs.

The cache (`[secrets] use_cache`) exists in the DAG processor, which would else ask a secrets backend at every parse.
"""

from __future__ import annotations

import json
from typing import Any

from ses_ops.airflow_connection import ConnectionFields, FoundConnection
from ses_ops.errors import ConnectionProblem

_masked: set[int] = set()


def connection(conn_id: str) -> FoundConnection | None:
    """The connection in Airflow's cache; None when the cache is off or has no entry that is young enough."""
    from airflow.sdk.execution_time.cache import SecretCache

    try:
        uri = SecretCache.get_connection_uri(conn_id)
    except SecretCache.NotPresentException:
        return None
    return FoundConnection(source=f"the Airflow connection {conn_id}", given=uri)


def keep(conn_id: str, found: FoundConnection | None) -> None:
    """Put a connection into Airflow's cache, for Airflow's own look-ups too, and mask its secrets in Airflow's logs."""
    if found is None:
        return
    try:
        fields = found.fields
    except ConnectionProblem:
        return  # the code that needs the fields raises the same error
    _mask(fields)
    from airflow.sdk.execution_time.cache import SecretCache

    if SecretCache._cache is not None:
        SecretCache.save_connection_uri(conn_id, _uri(conn_id, fields))


def _uri(conn_id: str, fields: ConnectionFields) -> str:
    from airflow.sdk import Connection

    names = ("conn_type", "login", "password", "host", "port", "schema")
    given: dict[str, Any] = {name: getattr(fields, name) or None for name in names}
    extra = json.dumps(dict(fields.extra)) if fields.extra else None
    return str(Connection(conn_id=conn_id, extra=extra, **given).get_uri())


def _mask(fields: ConnectionFields) -> None:
    """Mask the secrets of a connection, once for each: in a task that is a message to the supervisor."""
    key = hash((fields.password, repr(fields.extra)))
    if key in _masked:
        return
    from airflow.sdk.log import mask_secret

    for secret in (fields.password, dict(fields.extra)):
        if secret:
            mask_secret(secret)
    _masked.add(key)
