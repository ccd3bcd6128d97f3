"""`ses events ...`: the commands that show the feeds, and the events that found no message."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import cell, json_option, note, print_facts, print_json, print_table, warn
from ses_ops.cli.session import database


@click.command(epilog=examples("ses events feeds", "ses events feeds --json"))
@json_option
def feeds(as_json: bool) -> None:
    """List the feeds; warn when much was sent and no feed of bounces was heard for a day."""
    from ses_ops.domain.feed_silence import SPAN, silence
    from ses_ops.storage.events import feeds as storage

    now = datetime.now(UTC)
    with database() as conn:
        found = storage.feeds(conn)
        sent = storage.sent_since(conn, now - SPAN)
    judged = silence(sent, {feed.source: feed.last_at for feed in found if feed.events}, now=now)
    if as_json:
        print_json({"feeds": found, "sent_in_24_hours": sent, "alarm": judged.alarms, "silent": judged.silent})
        return
    print_table(
        ["feed", "last event", "events", "repeated", "without a message", "refused", "last refusal"],
        [
            [
                *(one.source, one.last_at if one.events or one.unmatched else None, one.events, one.repetitions),
                *(one.unmatched, one.refused, one.last_refusal),
            ]
            for one in found
        ],
        empty="Nothing has come back yet.",
    )
    if judged.alarms:
        warn(f"{sent:,} messages were sent in the last 24 hours, and no feed told of a bounce or a delivery")


@click.command(epilog=examples("ses events unmatched", "ses events unmatched --source bounce_mail --json"))
@click.option("--source", help="Only events of this feed, such as bounce_mail.")
@click.option("--closed", is_flag=True, help="Also those that a person was done with.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Events at most.")
@json_option
def unmatched(source: str | None, closed: bool, limit: int, as_json: bool) -> None:
    """List the events that found no message or were not understood, newest first."""
    from ses_ops.storage.events import unmatched as storage

    with database() as conn:
        rows = storage.page(conn, source=source, closed=closed, limit=limit + 1)
    if as_json:
        print_json(rows[:limit])
    else:
        print_table(
            ["id", "feed", "received", "kind", "why", "bytes", "done by"],
            [
                [str(one.id), one.source, one.received_at, one.kind, one.why, one.size, one.closed_by]
                for one in rows[:limit]
            ],
            empty="No event waits.",
        )
    if len(rows) > limit:
        note(f"there are more than {limit:,}; --limit shows more")


@click.command(epilog=examples("ses events show 17", "ses events show 17 --raw > report.eml"))
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@click.option("--raw", is_flag=True, help="Print the source alone, octet for octet.")
@json_option
def show(number: int, raw: bool, as_json: bool) -> None:
    """Show the event with the NUMBER of `ses events unmatched`."""
    from ses_ops.cli.output import plain
    from ses_ops.storage.events import unmatched as storage

    with database() as conn:
        event, source = storage.find(conn, number)
    if raw:
        sys.stdout.buffer.write(source)
        return
    text = source.decode("utf-8", "backslashreplace")
    if as_json:
        print_json({**plain(event), "raw": text})
        return
    print_facts({name: getattr(event, name) for name in event.__slots__})
    click.echo()
    for line in text.splitlines():
        click.echo(cell(line))


@click.command(epilog=examples("ses events close 17 18"))
@click.argument("numbers", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True)
def close(numbers: tuple[int, ...]) -> None:
    """Note that you are done with the events of these NUMBERS; they stay stored."""
    from ses_ops.application import unmatched_events

    with database() as conn:
        done = unmatched_events.close(conn, signing_actor(), numbers)
    click.echo(f"{done.count:,} of {len(numbers):,} events were open, and are marked as done")
