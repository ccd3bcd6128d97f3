"""The schema of the `ses` database and its versions (Alembic; the migrations are plain SQL)."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ses_ops.errors import NewerSchema
from ses_ops.storage.connection import connect
from ses_ops.storage.schema_version import known_versions

#: The advisory lock on which two processes that upgrade at once wait for each other.
MIGRATION_LOCK = 7_365_733
#: The attribute in which migrations/env.py finds its connection.
CONNECTION = "ses_ops connection"
VERSION_TABLE = "ses_schema_version"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def _engine(dsn: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        "postgresql+psycopg2://",
        creator=lambda: connect(dsn, application="ses-ops migrate"),
        poolclass=sqlalchemy.NullPool,
    )


def upgrade(dsn: str, to: str = "head") -> str:
    """Upgrade the database to the newest schema, or to an older one, in one transaction; returns the newest version.

    Safe to repeat. Raises NewerSchema, and changes nothing, for a schema that this version does not know.
    """
    with _engine(dsn).begin() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        _refuse_newer(connection)
        config = _config()
        config.attributes[CONNECTION] = connection
        command.upgrade(config, to)
    return newest_version()


def _refuse_newer(connection: sqlalchemy.Connection) -> None:
    """Say what to do where Alembic would say that it cannot find a revision: an older version after an upgrade."""
    there = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if there is not None and there not in known_versions():
        raise NewerSchema("schema_newer", there=there, needed=newest_version())


def newest_version() -> str:
    """The version of the schema that this code needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def current_version(dsn: str) -> str | None:
    """The version of the database's schema; None before the first upgrade."""
    try:
        with _engine(dsn).connect() as connection:
            options = {"version_table": VERSION_TABLE}
            return MigrationContext.configure(connection, opts=options).get_current_revision()
    except psycopg2.Error as cause:  # pragma: no cover - Alembic wraps most of them
        raise RuntimeError(str(cause)) from cause
