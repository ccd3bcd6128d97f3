"""Connections and Variables in Airflow's metadata database.

Only Airflow's servers and the command line may read them here. Each query has a session of its own: Airflow's usual
session belongs to the thread, and the caller may be within a transaction on it, which this code would commit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ses_ops.airflow_connection import ConnectionFields, connection_of
from ses_ops.errors import ConnectionProblem, DatabaseUnavailable, NotSetUp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def database_name() -> str:
    """The URL of the database, which tells the answers of one database from those of another."""
    return str(getattr(sys.modules.get("airflow.settings"), "SQL_ALCHEMY_CONN", ""))


def connection(conn_id: str) -> ConnectionFields | None:
    """A connection; None when there is none of that id. Raises DatabaseUnavailable, ConnectionProblem."""
    from airflow.secrets.metastore import MetastoreBackend

    source = f"the Airflow connection {conn_id}"
    with _session() as session:
        try:
            found = MetastoreBackend().get_connection(conn_id=conn_id, session=session)
            return None if found is None else connection_of(found, source)
        except Exception as cause:
            if not _is_of_the_key(cause):
                raise
            raise ConnectionProblem("other_fernet_key", where=source) from cause


def variable(key: str) -> str | None:
    """A Variable; None when there is none of that key. Raises DatabaseUnavailable, NotSetUp."""
    from airflow.models.variable import Variable
    from airflow.secrets.metastore import MetastoreBackend
    from sqlalchemy import select

    with _session() as session:
        value = MetastoreBackend().get_variable(key=key, session=session)
        # Airflow returns None for a Variable that does not exist and for one that it cannot decrypt.
        if value is None and session.scalar(select(Variable.key).where(Variable.key == key, Variable.is_encrypted)):
            raise NotSetUp("variable_of_other_fernet_key", key=key)
        return value


@contextmanager
def _session() -> Iterator[Session]:
    from airflow.utils.session import create_session
    from sqlalchemy.exc import DBAPIError

    try:
        with create_session(scoped=False) as session:
            yield session
    except DBAPIError as cause:
        first_line = str(cause.orig or cause).strip().splitlines()[0]
        raise DatabaseUnavailable("airflow_database_unavailable", cause=first_line) from cause


def _is_of_the_key(cause: Any) -> bool:
    return type(cause).__name__ == "InvalidToken" or "FERNET_KEY" in str(cause)
