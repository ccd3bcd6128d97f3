"""`ses events recount`: compares the counts of what became of messages with the events."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json
from ses_ops.cli.session import database


@click.command(epilog=examples("ses events recount", "ses events recount --repair"))
@click.option("--repair", is_flag=True, help="Set right what differs; without it nothing is changed.")
@json_option
@click.pass_context
def recount(ctx: click.Context, repair: bool, as_json: bool) -> None:
    """Compare what is stored of each message with its events, and the counts with the messages, those of attempts too.

    Messages whose events were dropped (SES_EVENTS_KEPT_MONTHS) are taken as they are. Ends with 1 when something
    differs and was not set right.
    """
    from ses_ops.application.event_recount import recount_events

    with database() as conn, _progress("recounting") as progress:
        done = recount_events(conn, signing_actor(), repair=repair, progress=progress)
    if as_json:
        print_json(done)
    else:
        click.echo(
            f"{done.starts:,} starts and {done.tasks:,} tasks: {done.messages_wrong:,} messages and"
            f" {done.counts_wrong:,} counts differ, and {done.engagement_wrong:,} and {done.engagement_counts_wrong:,}"
            " of opens and clicks" + (", and were set right" if repair else "")
        )
        for occurrence_id, seq in done.messages:
            click.echo(f"  message {occurrence_id}.{seq}: its events say something else")
        for task_id, one in done.counts:
            day = f"{one.sent_day:%Y-%m-%d %H:%M}Z"
            click.echo(f"  task {task_id}, {one.sender_domain}, {day}, {one.mailbox_provider}:")
            click.echo(f"    stored {_counts(one.stored)}; counted {_counts(one.counted)}")
        for wrong in done.attempts:
            click.echo(
                f"  attempt {wrong.attempt_id}: stored {_counts(wrong.stored)}; counted {_counts(wrong.counted)}"
            )
        if done.attempts_wrong:
            click.echo(f"{done.attempts_wrong:,} attempts did something else than is counted of them")
        for occurrence_id, seq in done.engagement:
            click.echo(f"  message {occurrence_id}.{seq}: its opens and clicks say something else")
        for task_id, count in done.engagement_counts:
            click.echo(
                f"  task {task_id}, {count.what}: stored {_counts(count.stored)}; counted {_counts(count.counted)}"
            )
    if done.differs and not repair:
        ctx.exit(1)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "nothing"


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, all_: bars.update(bar, completed=done, total=all_)
