"""`ses task pause|resume|cancel|delete|retry-failed|resolve-unknown`: what a person decides about a task."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

import click

from ses_ops.cli.actor import shell_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.session import database
from ses_ops.cli.tell_airflow import tell

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.failures import FailedByCode
    from ses_ops.storage.tasks.overview import TaskOverview


@click.command(epilog=examples("ses task pause spring-sale", "ses task pause spring-sale --reason 'wrong price'"))
@click.argument("name")
@click.option("--reason", help="Why; shown in every list.")
def pause(name: str, reason: str | None) -> None:
    """Stop a task's mail until `ses task resume`: also the mail that is leaving now, within a moment."""
    from ses_ops.application import task_decisions

    with database() as conn:
        done = task_decisions.pause(conn, shell_actor(), name, reason=reason)
    click.echo(f"{name}: paused" if done.changed else f"{name}: was paused already")
    tell(done)


@click.command(epilog=examples("ses task resume spring-sale"))
@click.argument("name")
def resume(name: str) -> None:
    """End a pause, clear an error, start what missed its start, and retry now what the mail server deferred.

    Mail that waits for quota keeps its time, unless today's quota has room for it by now.
    """
    from ses_ops.application import task_decisions
    from ses_ops.cli.output import cell

    with database() as conn:
        done = task_decisions.resume(conn, shell_actor(), name, quota_left=lambda task: _quota_left(conn, task))
    waits = done.waits
    if waits is not None and not done.changed:
        click.echo(
            f"{name}: nobody paused it: {waits.reason}; it goes on by itself at {cell(waits.next_run_at)}, "
            "and nothing was changed"
        )
        return
    click.echo(f"{name}: resumed" + (f"; {waits.reason}, it goes on at {cell(waits.next_run_at)}" if waits else ""))
    tell(done)


@click.command(epilog=examples("ses task cancel spring-sale"))
@click.argument("name")
def cancel(name: str) -> None:
    """Stop a task for good, also the mail that is leaving now. What has not left is cancelled: it is never sent."""
    from ses_ops.application import task_decisions

    with database() as conn:
        done = task_decisions.cancel(conn, shell_actor(), name)
    click.echo(f"{name}: cancelled" if done.changed else f"{name}: was cancelled already")


@click.command(epilog=examples("ses task delete spring-sale"))
@click.argument("name")
def delete(name: str) -> None:
    """Take a task and its DAG away; its ledger stays. Refused while it has mail to send: cancel it first."""
    from ses_ops.application import task_decisions

    with database() as conn:
        done = task_decisions.delete(conn, shell_actor(), name)
    click.echo(f"{name}: deleted")
    tell(done)


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
        done = task_decisions.retry_failed(conn, shell_actor(), name, codes={one.code for one in failed})
    click.echo(f"{name}: {done.count:,} failed messages will be tried again")
    tell(done)


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
        "ses task resolve-unknown spring-sale --delivered relay.log",
    ),
)
@click.argument("name")
@click.option("--resend", "doubt", flag_value="resend", help="Send them again: a few may get the mail twice.")
@click.option("--assume-sent", "doubt", flag_value="assume-sent", help="Count them as sent: a few may miss the mail.")
@click.option(
    "--delivered",
    type=click.File(encoding="utf-8", errors="replace"),
    help="Lines of the mail server's log about mail that it took (addresses or Message-IDs): that was sent, the other "
    "messages are sent again.",
)
def resolve_unknown(name: str, doubt: str | None, delivered: TextIO | None) -> None:
    """Decide about messages that a crash or a restore left in doubt: the server may have taken them, or not.

    Single messages have the name api: and their sender domain, such as api:codes.example.com.
    """
    from ses_ops.application import task_decisions

    if (doubt is None) == (delivered is None):
        raise click.UsageError("say --resend, --assume-sent or --delivered FILE")
    if delivered is not None:
        _resolve_by_log(name, delivered)
        return
    assert doubt is not None
    chosen = task_decisions.UnknownDecision(doubt)
    with database() as conn:
        done = task_decisions.resolve_unknown(conn, shell_actor(), name, chosen)
    if not done.count:
        click.echo(f"{name}: no message is in doubt")
    elif chosen is task_decisions.UnknownDecision.RESEND:
        click.echo(f"{name}: {done.count:,} messages in doubt will be sent again")
    else:
        click.echo(f"{name}: {done.count:,} messages in doubt count as sent now")
    tell(done)


def _resolve_by_log(name: str, delivered: TextIO) -> None:
    from ses_ops.application.resolve_by_log import resolve_by_log
    from ses_ops.domain.relay_log import read_taken

    with database() as conn:
        done = resolve_by_log(conn, shell_actor(), name, read_taken(delivered))
    click.echo(f"{name}: {done.sent:,} messages in doubt count as sent now, {done.again:,} will be sent again")
    tell(done)


def _quota_left(conn: Connection, task: TaskOverview) -> bool:
    """Whether the quota day of its domain has room for this task now; False when nobody can say."""
    from ses_ops.application.quota_status import domain_quota
    from ses_ops.cli.session import quota_plans
    from ses_ops.errors import SesError

    try:
        quota = domain_quota(conn, quota_plans(), task.sender_domain)
    except SesError:
        return False
    return quota.room_for(task.name) > 0
