"""`ses migrate`: the schema of the ses database."""

from __future__ import annotations

import click

from ses_ops.cli.session import db_dsn


@click.command()
def migrate() -> None:
    """Bring the ses database to the newest schema. Safe to repeat."""
    from ses_ops.storage.migrate import current_version, upgrade

    dsn = db_dsn()
    before = current_version(dsn)
    after = upgrade(dsn)
    click.echo(f"schema {after}: nothing to do" if before == after else f"schema {before or 'none'} -> {after}")
