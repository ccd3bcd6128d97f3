"""`ses restore`: how a ledger goes on that was restored from a backup."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ses_ops.application.restore import RestoredLedger
    from ses_ops.domain.warmup import QuotaPlans

#: What no ledger can tell of the time after its backup.
LOST = (
    "what the backup cannot have: suppressions, unsubscribing and erasures since then (the relay's log, the providers' "
    "lists and the listeners' spool volume may have them: enter them before you go on); answers to Idempotency-Keys, "
    "so a program that repeats a request of that time mails again; send tasks, pauses and cancellations of that time"
)


@click.command(
    epilog=examples(
        "ses restore --dry-run",
        "ses restore --until 2026-11-29T10:00Z",
        "ses restore --nothing-was-sent",
        "ses restore --list",
    )
)
@click.option("--until", help="When the system of the backup stopped for certain (UTC). Default: now.")
@click.option("--taken-at", help="When the backup was made (UTC). Default: the newest moment that the ledger knows.")
@click.option(
    "--nothing-was-sent",
    is_flag=True,
    help="Nothing was sent since the backup, as after a move or pg_upgrade: send on from here, without a doubt.",
)
@click.option(
    "--same-server",
    is_flag=True,
    help="The server itself was restored (a snapshot, a point in time), which the ledger cannot notice.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--list", "as_list", is_flag=True, help="List the restores so far.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def restore(
    until: str | None,
    taken_at: str | None,
    nothing_was_sent: bool,
    same_server: bool,
    dry_run: bool,
    as_list: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say how the mail of a restored ledger goes on; until then it sends nothing.

    Stop whatever sends first. What may have left between the backup and --until becomes unknown, and nobody is mailed
    twice: you decide about it, a send task at a time, with `ses task resolve-unknown`. Starts up to --until that the
    ledger does not know wait for you, too. Does nothing for a ledger that is where it sent last.
    """
    from ses_ops.application import restore as restoring

    order = restoring.RestoreOrder(
        taken_at=_moment(taken_at, "--taken-at"),
        until=_moment(until, "--until"),
        nothing_was_sent=nothing_was_sent,
        same_server=same_server,
    )
    if as_list:
        _list(as_json)
        return
    with database() as conn:
        done = restoring.preview(conn, order)
        if done.needed and not dry_run:
            if not _confirmed(done, yes=yes or as_json):
                return
            from ses_ops.cli.actor import signing_actor

            with _progress(done.count) as progress:
                done = restoring.restore(conn, signing_actor(), order, plans=_plans(order), progress=progress)
    if as_json:
        print_json(done)
    else:
        _show(done, dry_run=dry_run)


def _moment(text: str | None, option: str) -> datetime | None:
    from ses_ops.domain.clock import read_moment, zone

    if text is None:
        return None
    found = read_moment(text, zone("UTC"), where=option)
    if found is None:
        raise click.UsageError(f"{option} {text}: write a time such as 2026-11-29T10:00Z")
    return found


def _confirmed(planned: RestoredLedger, *, yes: bool) -> bool:
    """Whether to go on. Asks on a terminal; a script goes on."""
    if yes or not sys.stdin.isatty():
        return True
    if planned.nothing_was_sent:
        return click.confirm(f"Was nothing sent since {_time(planned.taken_at)}, and has the other system stopped?")
    return click.confirm(
        f"{planned.count:,} messages become unknown, as they may have been sent between {_time(planned.taken_at)} and "
        f"{_time(planned.until)}. Has the other system stopped by then?"
    )


def _plans(order: object) -> QuotaPlans | None:
    """The quota plans; None, with a warning, where Airflow cannot be asked."""
    from ses_ops.cli.output import warn
    from ses_ops.cli.session import quota_plans
    from ses_ops.errors import SesError

    if getattr(order, "nothing_was_sent", False):
        return None
    try:
        return quota_plans()
    except SesError as problem:
        warn(f"the quota is not known, so no doubt counts as sent today: {problem}")
        return None


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("messages", total=total or None)
        yield lambda count: bars.advance(bar, count)


def _show(done: RestoredLedger, *, dry_run: bool) -> None:
    if not done.needed:
        click.echo("this ledger is where it sent last: nothing to do (was the server itself restored: --same-server)")
        return
    if done.nothing_was_sent:
        click.echo(
            "the ledger would send from here on" if dry_run else "the ledger sends from here on; nothing is in doubt"
        )
        return
    click.echo(f"backup of {_time(done.taken_at)}, the system of the backup sent until {_time(done.until)}")
    rows = [[task, count] for task, count in done.unknown.items()]
    print_table(["send task", "would be unknown" if dry_run else "unknown"], rows, empty="no message is in doubt")
    for domain, count in done.quota_used.items():
        click.echo(f"{domain}: {count:,} of these count as sent today")
    if done.scheduled_later:
        click.echo(
            f"{done.scheduled_later:,} single messages of a later time wait for it; who cancelled one must do it again"
        )
    if done.unknown and not dry_run:
        name = next(iter(done.unknown))
        click.echo(f"decide about each: `ses task resolve-unknown {name} --assume-sent`, --resend, or --delivered FILE")
    click.echo(LOST)


def _time(moment: datetime | None) -> str:
    return "?" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _list(as_json: bool) -> None:
    from ses_ops.storage.connection import transaction
    from ses_ops.storage.restore.restores import listed

    with database() as conn, transaction(conn):
        found = listed(conn)
    if as_json:
        print_json(found)
        return
    print_table(
        ["when", "who", "backup of", "sent until", "unknown", "single"],
        [
            [
                one.restored_at,
                one.restored_by,
                one.taken_at,
                "-" if one.nothing_was_sent else one.until,
                one.bulk,
                one.single,
            ]
            for one in found
        ],
        empty="this ledger was never restored",
    )
