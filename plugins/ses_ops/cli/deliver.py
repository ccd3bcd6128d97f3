"""`ses deliver`: the processes that bring something to addresses of the user's own."""

from __future__ import annotations

import click


@click.group()
def deliver() -> None:
    """What goes out besides mail: the process that posts events to your addresses. Ctrl-C or SIGTERM ends it."""


@deliver.command("callbacks")
@click.option("--check", is_flag=True, help="Only say whether such a process of this host is alive; status 1: none is.")
def callbacks(check: bool) -> None:
    """Post events to the endpoints of `ses callback list` (docs/callbacks.md).

    Any number of these processes may run, on any hosts that reach PostgreSQL. One that is killed loses nothing: what it
    had begun is posted again, with the same id.
    """
    from ses_ops.cli.session import db_dsn
    from ses_ops.web.allowed_networks import allowed_networks

    allowed, dsn = allowed_networks(), db_dsn()
    if check:
        from ses_ops.application.callbacks.process import is_alive

        if not is_alive(dsn):
            raise click.ClickException("no process of `ses deliver callbacks` of this host is alive")
        click.echo("alive")
        return
    from ses_ops.application.callbacks.process import deliver as deliver_on
    from ses_ops.cli.actor import audit_log, signing_actor

    click.echo("posting events to the endpoints of `ses callback list`; Ctrl-C ends it", err=True)
    deliver_on(dsn=dsn, allowed=allowed, actor=signing_actor(), after_stop=audit_log().write)
