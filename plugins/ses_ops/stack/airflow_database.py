"""A note in Airflow's own database of the Airflow that migrated it.

The note is a comment on the database. To ask Airflow whether the database has its schema takes 8 s, a comment no time.
"""

from __future__ import annotations

from importlib.metadata import version

import psycopg2
from psycopg2 import sql


def airflow_is_migrated(sqlalchemy_uri: str) -> bool:
    """Whether `note_migrated` was called for this database with the installed version of Airflow."""
    with _connection(sqlalchemy_uri) as conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        row = cursor.fetchone()
        return row is not None and row[0] == _note()


def note_migrated(sqlalchemy_uri: str) -> None:
    """Write into the database which Airflow migrated it, so that the note goes with the data."""
    with _connection(sqlalchemy_uri) as conn, conn.cursor() as cursor:
        name = sql.Identifier(conn.info.dbname)
        cursor.execute(sql.SQL("COMMENT ON DATABASE {} IS %s").format(name), (_note(),))


def _note() -> str:
    return f"migrated by apache-airflow {version('apache-airflow')}"


def _connection(sqlalchemy_uri: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(sqlalchemy_uri.replace("postgresql+psycopg2://", "postgresql://", 1))
