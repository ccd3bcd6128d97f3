"""Alembic's entry: runs the migrations on the connection that storage/migrate.py hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="ses_schema_version")
with context.begin_transaction():
    context.run_migrations()
