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
    _claim(dsn)
    click.echo(f"schema {after}: nothing to do" if before == after else f"schema {before or 'none'} -> {after}")


def _claim(dsn: str) -> None:
    """Have the ledger know its place before the first backup; one that was restored stays as it is, and says so."""
    from ses_ops.cli.output import warn
    from ses_ops.errors import LedgerRestored
    from ses_ops.sending.home import check_home
    from ses_ops.storage.connection import connected

    try:
        with connected(dsn, application="ses-ops migrate") as conn:
            check_home(conn)
    except LedgerRestored as problem:
        warn(str(problem))
