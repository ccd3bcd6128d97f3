"""`ses callback deliveries|replay`: what was posted, and posts that are made again."""

from __future__ import annotations

from datetime import datetime

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput


@click.command(epilog=examples("ses callback deliveries", "ses callback deliveries crm --not-delivered --json"))
@click.argument("name", required=False)
@click.option("--not-delivered", is_flag=True, help="Only what failed, or waits after a failed try.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def deliveries(name: str | None, not_delivered: bool, limit: int, as_json: bool) -> None:
    """Show the last posts to NAME, or to all endpoints, newest first; and events that wait after a failed try."""
    from ses_ops.application.callbacks.endpoint_decisions import shown_endpoints
    from ses_ops.storage.callbacks import deliveries as storage
    from ses_ops.storage.connection import transaction

    with database() as conn, transaction(conn):
        if name is not None:
            shown_endpoints(conn, name=name)
        waiting = storage.retried(conn, endpoint=name, limit=limit)
        ended = storage.deliveries(conn, endpoint=name, not_delivered=not_delivered, limit=limit)
    if as_json:
        print_json({"waiting": waiting, "ended": ended})
        return
    rows = [
        [one.next_at, one.endpoint, one.kind, f"{one.occurrence_id}.{one.seq}", "next try", *_told(one), one.event_key]
        for one in waiting
    ]
    rows += [
        [
            one.ended_at,
            one.endpoint,
            one.kind,
            f"{one.occurrence_id}.{one.seq}",
            one.outcome,
            *_told(one),
            one.event_key,
        ]
        for one in ended
    ]
    columns = ("at", "endpoint", "event", "message", "outcome", "tries", "status", "answer", "id")
    print_table(columns, rows, empty="Nothing was posted in the last seven days.")


@click.command(
    epilog=examples(
        "ses callback replay crm --event 3f0c1c5e-5b0a-4d5e-9d3f-0a1b2c3d4e5f",
        "ses callback replay crm --from 2026-11-29T10:00Z --to 2026-11-29T12:00Z --not-delivered",
        "ses callback replay crm --from 2026-11-01 --never-posted",
    )
)
@click.argument("name")
@click.option("--event", help="The id of one event, as `ses callback deliveries` shows it.")
@click.option("--from", "since", help="Events that happened from this time on (UTC).")
@click.option("--to", "until", help="Events that happened before this time (UTC).")
@click.option("--not-delivered", is_flag=True, help="Only events that the endpoint never took.")
@click.option("--never-posted", is_flag=True, help="Also events from before the endpoint was added, of that time.")
@json_option
def replay(
    name: str,
    event: str | None,
    since: str | None,
    until: str | None,
    not_delivered: bool,
    never_posted: bool,
    as_json: bool,
) -> None:
    """Post events to NAME again, each with the id that it had: one, or those of a time span.

    What was posted is known for seven days; --never-posted takes events from the store of events itself.
    """
    from ses_ops.application.callbacks import endpoint_decisions as decisions

    if (event is None) == (since is None):
        raise click.UsageError("give --event or --from")
    with database() as conn:
        done = decisions.replay(
            conn,
            signing_actor(),
            name,
            event_key=event,
            since=_moment(since, "--from"),
            until=_moment(until, "--to"),
            not_delivered=not_delivered,
            also_never_posted=never_posted,
        )
    if as_json:
        print_json({"count": done.count})
    else:
        click.echo(f"{done.count:,} events are posted to {name} again")


def _told(one: object) -> list[object]:
    return [getattr(one, name) for name in ("tries", "status", "answer")]


def _moment(text: str | None, option: str) -> datetime | None:
    from ses_ops.domain.clock import read_moment, zone

    if text is None:
        return None
    found = read_moment(text, zone("UTC"), where=option)
    if found is None:
        raise InvalidInput(f"{text!r} is no time, such as 2026-11-29T10:00Z", field=option)
    return found
