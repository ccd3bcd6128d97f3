"""`ses task pause|resume|cancel|delete|retry-failed|resolve-unknown`: what a person decides about a task."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.session import database, tell_airflow

if TYPE_CHECKING:
    from ses_ops.domain.occurrence import RunKind

_PICKED_UP = "the mail that waits is picked up by the maintenance DAG within two minutes of Airflow running"


@click.command(epilog=examples("ses task pause spring-sale", "ses task pause spring-sale --reason 'wrong price'"))
@click.argument("name")
@click.option("--reason", help="Why; shown in every list.")
def pause(name: str, reason: str | None) -> None:
    """Stop a task's mail until `ses task resume`: also the mail that is leaving now, within a moment."""
    from ses_ops.sending import decisions

    who = f"paused by {_user()}"
    with database() as conn:
        changed = decisions.pause(conn, name, reason=f"{who}: {reason}" if reason else who)
    click.echo(f"{name}: paused" if changed else f"{name}: was paused already")
    tell_airflow(
        lambda control: control.pause_dag(name), otherwise="the pause holds; the DAG's own switch still shows on"
    )


@click.command(epilog=examples("ses task resume spring-sale"))
@click.argument("name")
def resume(name: str) -> None:
    """End a pause, clear an error, start what missed its start, and send what is cached as the quota allows."""
    from ses_ops.sending import decisions

    with database() as conn:
        kind = decisions.resume(conn, name)
    click.echo(f"{name}: resumed")
    tell_airflow(
        lambda control: control.unpause_dag(name), otherwise="if the DAG's own switch is off, turn it on in Airflow"
    )
    if kind is not None:
        _start_run(name, kind)


@click.command(epilog=examples("ses task cancel spring-sale"))
@click.argument("name")
def cancel(name: str) -> None:
    """Stop a task for good, also the mail that is leaving now. What has not left stays in the ledger, unsent."""
    from ses_ops.sending import decisions

    with database() as conn:
        changed = decisions.cancel(conn, name)
    click.echo(f"{name}: cancelled" if changed else f"{name}: was cancelled already")


@click.command(epilog=examples("ses task delete spring-sale"))
@click.argument("name")
def delete(name: str) -> None:
    """Take a task and its DAG away; its ledger stays. Refused while it has mail to send: cancel it first."""
    from ses_ops.sending import decisions

    with database() as conn:
        decisions.delete(conn, name)
    click.echo(f"{name}: deleted")
    tell_airflow(
        lambda control: control.update_dags(created=[], changed=[name]),
        otherwise="its DAG goes when Airflow reads the send tasks next",
    )


@click.command("retry-failed", epilog=examples("ses task retry-failed spring-sale"))
@click.argument("name")
def retry_failed(name: str) -> None:
    """Send the failed messages again, as the quota allows; who got the mail does not get it twice."""
    from ses_ops.sending import decisions

    with database() as conn:
        count = decisions.retry_failed(conn, name)
    click.echo(f"{name}: {count:,} failed messages will be tried again" if count else f"{name}: no message has failed")
    if count:
        _start_run(name)


@click.command(
    "resolve-unknown",
    epilog=examples(
        "ses task messages spring-sale --status unknown",
        "ses task resolve-unknown spring-sale --assume-sent",
    ),
)
@click.argument("name")
@click.option("--resend", "doubt", flag_value="resend", help="Send them again: a few may get the mail twice.")
@click.option("--assume-sent", "doubt", flag_value="assume-sent", help="Count them as sent: a few may miss the mail.")
def resolve_unknown(name: str, doubt: str | None) -> None:
    """Decide about messages that a crash left in doubt: the server may have taken them, or not."""
    from ses_ops.sending import decisions

    if doubt is None:
        raise click.UsageError("say --resend or --assume-sent")
    chosen = decisions.Doubt(doubt)
    with database() as conn:
        count = decisions.resolve_unknown(conn, name, chosen)
    if not count:
        click.echo(f"{name}: no message is in doubt")
    elif chosen is decisions.Doubt.RESEND:
        click.echo(f"{name}: {count:,} messages in doubt will be sent again")
        _start_run(name)
    else:
        click.echo(f"{name}: {count:,} messages in doubt count as sent now")


def _start_run(name: str, kind: RunKind | None = None) -> None:
    """Trigger a run, of which a resume sends only what is cached."""
    from ses_ops.domain.occurrence import RunKind, decision_run

    run_id, conf = decision_run(kind, datetime.now(UTC))
    told = tell_airflow(
        lambda control: control.trigger_run(name, run_id, conf),
        otherwise=f"trigger the DAG send_task__{name} by hand in Airflow" if kind is RunKind.TRIGGERED else _PICKED_UP,
    )
    if told:
        click.echo(f"{name}: run {run_id} was triggered")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "the command line"
