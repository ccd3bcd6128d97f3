"""Alembic's entry: runs the migrations on the connection that storage/migrate.py hands over."""

from __future__ import annotations

from contextlib import suppress

from alembic import context

from ses_ops.storage.migrate import CONNECTION

_connection = None
# Whoever else runs this file (Airflow runs whatever it finds in its plugins folder) has no migration under way, which
# Alembic says by one of these errors, or one of another database.
with suppress(NameError, AttributeError):
    _connection = context.config.attributes.get(CONNECTION)
if _connection is not None:
    context.configure(connection=_connection, version_table="ses_schema_version")
    with context.begin_transaction():
        context.run_migrations()
