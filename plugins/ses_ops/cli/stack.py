"""`ses run`: the same as `make run`, once the project's environment has been made."""

from __future__ import annotations

import click


@click.command()
@click.pass_context
def run(ctx: click.Context) -> None:
    """Start PostgreSQL, a local mailbox and Airflow in the foreground; Ctrl-C stops them all."""
    from ses_ops.stack.run import main

    ctx.exit(main())
