"""`ses task pause|resume|cancel|delete|retry-failed|resolve-unknown`: what a person decides about a task."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.session import database, tell_airflow

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.occurrence import RunKind
    from ses_ops.storage.ledger.failures import FailedByCode
    from ses_ops.storage.tasks.overview import TaskOverview

#: What is said where Airflow could be told, and does not know our DAG files.
NOT_READ = "Airflow has not read the DAG files of ses-ops yet, and the send tasks begin when it has; see `ses doctor`"
_PICKED_UP = "the mail that waits is picked up by the maintenance DAG within two minutes of Airflow running"


@click.command(epilog=examples("ses task pause spring-sale", "ses task pause spring-sale --reason 'wrong price'"))
@click.argument("name")
@click.option("--reason", help="Why; shown in every list.")
def pause(name: str, reason: str | None) -> None:
    """Stop a task's mail until `ses task resume`: also the mail that is leaving now, within a moment."""
    from ses_ops.application import task_decisions

    who = f"paused by {shell_user()}"
    with database() as conn:
        changed = task_decisions.pause(conn, name, reason=f"{who}: {reason}" if reason else who)
    click.echo(f"{name}: paused" if changed else f"{name}: was paused already")
    tell_airflow(
        lambda control: control.pause_dag(name), otherwise="the pause holds; the DAG's own switch still shows on"
    )


@click.command(epilog=examples("ses task resume spring-sale"))
@click.argument("name")
def resume(name: str) -> None:
    """End a pause, clear an error, start what missed its start, and try again now what the mail server put off.

    Mail that waits for quota keeps its time, unless today's quota has room for it by now.
    """
    import psycopg2

    from ses_ops.application import task_decisions
    from ses_ops.cli.output import cell
    from ses_ops.errors import SesError
    from ses_ops.storage.tasks.overview import list_tasks

    with database() as conn:
        before = next(iter(list_tasks(conn, name=name)), None)
        quota_left = before is not None and before.cached_count > 0 and _quota_left(conn, before)
        if before is not None and before.waits_for_quota and not quota_left:
            click.echo(
                f"{name}: nobody paused it: {before.reason}; it goes on by itself at {cell(before.next_run_at)}, "
                "and nothing was changed"
            )
            return
        kind = task_decisions.resume(conn, name, quota_left=quota_left)
        try:
            after = next(iter(list_tasks(conn, name=name)), None)
        except (SesError, psycopg2.Error):
            after = None  # it is resumed, whatever can be said of it just now
    waits = after if after is not None and after.waits_for_quota else None
    click.echo(f"{name}: resumed" + (f"; {waits.reason}, it goes on at {cell(waits.next_run_at)}" if waits else ""))
    tell_airflow(
        lambda control: control.unpause_dag(name), otherwise="if the DAG's own switch is off, turn it on in Airflow"
    )
    if kind is not None:
        start_run(name, kind)


@click.command(epilog=examples("ses task cancel spring-sale"))
@click.argument("name")
def cancel(name: str) -> None:
    """Stop a task for good, also the mail that is leaving now. What has not left is cancelled: it is never sent."""
    from ses_ops.application import task_decisions

    with database() as conn:
        changed = task_decisions.cancel(conn, name, by=shell_user())
    click.echo(f"{name}: cancelled" if changed else f"{name}: was cancelled already")


@click.command(epilog=examples("ses task delete spring-sale"))
@click.argument("name")
def delete(name: str) -> None:
    """Take a task and its DAG away; its ledger stays. Refused while it has mail to send: cancel it first."""
    from ses_ops.application import task_decisions

    with database() as conn:
        task_decisions.delete(conn, name, by=shell_user())
    click.echo(f"{name}: deleted")
    tell_airflow(
        lambda control: control.forget_task(name),
        otherwise="its DAG goes when Airflow reads the send tasks next",
    )


@click.command(
    "retry-failed",
    epilog=examples(
        "ses task retry-failed spring-sale",
        "ses task retry-failed spring-sale --check",
        "ses task retry-failed spring-sale --code 452 --code none --yes",
    ),
)
@click.argument("name")
@click.option(
    "--code", "codes", multiple=True, help="Only those with this code of the server, or none; may be repeated."
)
@click.option("--check", is_flag=True, help="Show how many of which code, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retry_failed(name: str, codes: tuple[str, ...], check: bool, yes: bool) -> None:
    """Send failed messages again, as the quota allows; who got the mail does not get it twice.

    First says how many of which code there are, and on a terminal asks. Messages to addresses that are on the
    suppression list by now stay failed.
    """
    from ses_ops.application import task_decisions

    chosen = {_code(text) for text in codes} or None
    with database() as conn:
        failed = [one for one in task_decisions.what_failed(conn, name) if chosen is None or one.code in chosen]
        if not failed:
            click.echo(f"{name}: no message has failed" + (" with that code" if codes else ""))
            return
        _show_failed(failed)
        if check or not confirmed(f"Try {sum(one.retried for one in failed):,} messages of {name} again?", yes=yes):
            return
        count = task_decisions.retry_failed(conn, name, codes={one.code for one in failed})
    click.echo(f"{name}: {count:,} failed messages will be tried again")
    if count:
        start_run(name)


def _code(text: str) -> int:
    from ses_ops.storage.ledger.failures import NO_CODE

    if text.lower() == "none":
        return NO_CODE
    if not (text.isascii() and text.isdecimal() and len(text) == 3):
        raise click.UsageError(f"--code {text}: write a code of three digits such as 550, or none")
    return int(text)


def _show_failed(failed: list[FailedByCode]) -> None:
    from ses_ops.cli.output import print_table

    columns = ["code", "failed", "suppressed since", "tried again", "the server's words to one of them"]
    rows = [[one.code or "none", one.count, one.suppressed, one.retried, one.text] for one in failed]
    print_table(columns, rows, empty="")
    if left_out := sum(one.suppressed for one in failed):
        click.echo(f"{left_out:,} are left out: their addresses are on the suppression list")


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether to go on. Asks on a terminal. A script that was written before there was a question goes on."""
    return yes or not sys.stdin.isatty() or click.confirm(question)


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
    from ses_ops.application import task_decisions

    if doubt is None:
        raise click.UsageError("say --resend or --assume-sent")
    chosen = task_decisions.Doubt(doubt)
    with database() as conn:
        count = task_decisions.resolve_unknown(conn, name, chosen)
    if not count:
        click.echo(f"{name}: no message is in doubt")
    elif chosen is task_decisions.Doubt.RESEND:
        click.echo(f"{name}: {count:,} messages in doubt will be sent again")
        start_run(name)
    else:
        click.echo(f"{name}: {count:,} messages in doubt count as sent now")


def start_run(name: str, kind: RunKind | None = None) -> None:
    """Trigger a run, of which a resume sends only what is cached, and say so."""
    run_id = tell_of_run(name, kind)
    if run_id is not None:
        click.echo(f"{name}: run {run_id} was triggered")


def tell_of_run(name: str, kind: RunKind | None = None) -> str | None:
    """Trigger a run; its id, None when there is no Airflow to tell, which is said on stderr."""
    from ses_ops.domain.occurrence import RunKind, decision_run

    run_id, conf = decision_run(kind, datetime.now(UTC))
    told = tell_airflow(
        lambda control: control.trigger_run(name, run_id, conf),
        otherwise=f"trigger the DAG send_task__{name} by hand in Airflow" if kind is RunKind.TRIGGERED else _PICKED_UP,
    )
    return run_id if told else None


def _quota_left(conn: Connection, task: TaskOverview) -> bool:
    """Whether the quota day of its domain has room for this task now; False when nobody can say."""
    from ses_ops.application.quota_status import domain_quota, read_quota_variable
    from ses_ops.cli.session import quota_variable
    from ses_ops.errors import SesError

    try:
        quota = domain_quota(conn, read_quota_variable(quota_variable()), task.sender_domain)
    except SesError:
        return False
    return quota.room_for(task.name) > 0


def shell_user() -> str:
    """Who types."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "the command line"
