"""`ses stats`: sums of mail by day, sender domain, task and mailbox provider; links, hours, two tasks side by side."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, note, print_json, print_table
from ses_ops.cli.session import database, quota_plans
from ses_ops.domain.mail_statistics import Dimension, Engaged, MailCounts, MailKind, StatisticsRow, facts, rates

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from ses_ops.application.mail_statistics import Statistics

_DIMENSIONS = [one.value for one in Dimension]
#: Columns of the table for people; JSON and CSV have all.
_COLUMNS = ("requested", "accepted", "delivered", "bounced", "complained", "unsubscribed", "opened", "clicked")

csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with every count and rate.")
days_option = click.option("--days", default=30, show_default=True, type=click.IntRange(1), help="Number of days.")


@click.group(
    cls=LazyGroup,
    commands={
        "links": ("stats:links_command", "The links of a task's mail, with the clicks on each."),
        "hours": ("stats:hours", "Opens and clicks of a task by hour."),
        "who": ("stats:who_command", "Who opened or clicked a task's mail."),
        "compare": ("stats:compare", "Two tasks side by side."),
    },
    invoke_without_command=True,
    epilog=examples(
        "ses stats",
        "ses stats --by day,mailbox_provider --domain mail.example.com --days 7",
        "ses stats --by day,kind",
        "ses stats --mail trigger --days 7",
        "ses stats --by task --csv > october.csv",
        "ses stats links spring-sale",
    ),
)
@click.option("--by", default="day", show_default=True, help=f"Names with commas: {', '.join(_DIMENSIONS)}.")
@days_option
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; default: today.")
@click.option("--domain", help="Only mail of this sender domain.")
@click.option("--task", "name", help="Only mail of this send task.")
@click.option("--mail", type=click.Choice([one.value for one in MailKind]), help="Only mail of this kind. [all]")
@csv_option
@json_option
@click.pass_context
def stats(
    context: click.Context,
    by: str,
    days: int,
    until: datetime | None,
    domain: str | None,
    name: str | None,
    mail: str | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Sums of mail by the day of sending, without test sends.

    A bounce, an open or a complaint counts on the day on which its message was sent, so late ones change old days. Bulk
    mail is of send tasks, trigger mail are the single messages of the API.
    """
    if context.invoked_subcommand is not None:
        return
    from ses_ops.application.mail_statistics import statistics
    from ses_ops.domain.address import domain_key
    from ses_ops.storage.tasks import send_tasks

    dimensions = _dimensions(by)
    with database() as conn:
        task_ids = None if name is None else [send_tasks.find_row(conn, name).id]
        found = statistics(
            conn,
            quota_plans(),
            by=dimensions,
            days=days,
            last=until.date() if until else None,
            sender_domain=domain_key(domain) if domain else None,
            task_ids=task_ids,
            kind=MailKind(mail) if mail else None,
        )
    names = [one.value for one in dimensions]
    if as_json:
        rows = [{**_values(row, names), **facts(row.counts, found.feeds)} for row in found.rows]
        days_of = {"first": found.first.isoformat(), "last": found.last.isoformat(), "time_zones": found.zones}
        print_json({**days_of, "total": facts(found.total, found.feeds), "rows": rows, "cut": found.cut})
    elif as_csv:
        _print_csv(names, found)
    else:
        table = [[*_values(row, names).values(), *_line(row.counts)] for row in found.rows]
        if table:
            table.append([*(["total", *[""] * (len(names) - 1)] if names else []), *_line(found.total)])
        print_table([*names, *_COLUMNS], table, empty="Nothing was sent on these days.")
    if found.cut:
        note("there are more rows: ask for fewer days, one domain or one task")


@click.command("links", epilog=examples("ses stats links spring-sale", "ses stats links spring-sale --json"))
@click.argument("name")
@json_option
def links_command(name: str, as_json: bool) -> None:
    """List the links of the mail of the send task NAME with the clicks on each."""
    from ses_ops.application.mail_statistics import links_of_task
    from ses_ops.storage.tasks import send_tasks

    with database() as conn:
        found = links_of_task(conn, send_tasks.find_row(conn, name).id)
    if as_json:
        print_json(found)
        return
    print_table(
        ("people", "only machines", "clicks", "link"),
        [(one.people, one.machines, one.clicks, one.target) for one in found],
        empty="No link of this task's mail is tracked; `track: {clicks: true}` in its definition does that.",
    )


@click.command(epilog=examples("ses stats hours spring-sale", "ses stats hours spring-sale --days 3 --json"))
@click.argument("name")
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 366), help="Number of days up to now.")
@json_option
def hours(name: str, days: int, as_json: bool) -> None:
    """List opens and clicks of the send task NAME by the hour in which they happened (UTC)."""
    from ses_ops.application.mail_statistics import hours_of_task
    from ses_ops.storage.tasks import send_tasks

    with database() as conn:
        found = hours_of_task(conn, send_tasks.find_row(conn, name).id, days=days)
    if as_json:
        print_json(found)
        return
    print_table(
        ("hour", "opens by people", "clicks by people", "all opens", "all clicks"),
        [(one.hour, one.opens_people, one.clicks_people, one.opens, one.clicks) for one in found],
        empty="No open or click of this task's mail was recorded.",
    )


@click.command(
    "who", epilog=examples("ses stats who spring-sale --what clicked > clicked.csv", "ses stats who spring-sale --json")
)
@click.argument("name")
@click.option("--what", default="opened", show_default=True, type=click.Choice([one.value for one in Engaged]))
@click.option("--link", "link_id", type=int, help="Only clicks on this link: its id in `ses stats links --json`.")
@json_option
def who_command(name: str, what: str, link_id: int | None, as_json: bool) -> None:
    """Print who opened or clicked mail of the send task NAME as CSV, with the numbers by people and machines."""
    from ses_ops.application.exports import export_messages
    from ses_ops.audience.csv.cells import safe_cell
    from ses_ops.cli.actor import shell_actor
    from ses_ops.storage.statistics.who import MessageOpens, who
    from ses_ops.storage.tasks import send_tasks

    with database() as conn:
        find = lambda: send_tasks.find_row(conn, name).id  # noqa: E731 - what is recorded before it is found
        task_id = export_messages(shell_actor(), name, find, what=what, link=link_id)
        batches = who(conn, task_id, Engaged(what), link_id=link_id)
        if as_json:
            print_json([one for batch in batches for one in batch])
            return
        writer = csv.writer(sys.stdout, lineterminator="\n")
        columns = list(MessageOpens.__dataclass_fields__)
        writer.writerow(columns)
        for batch in batches:
            writer.writerows([safe_cell(str(getattr(one, column))) for column in columns] for one in batch)


@click.command(epilog=examples("ses stats compare spring-sale autumn-sale --days 90"))
@click.argument("first")
@click.argument("second")
@days_option
@json_option
def compare(first: str, second: str, days: int, as_json: bool) -> None:
    """Show the counts and rates of two send tasks side by side."""
    from ses_ops.application.mail_statistics import statistics
    from ses_ops.storage.tasks import send_tasks

    found: list[Statistics] = []
    with database() as conn:
        for name in (first, second):
            task = send_tasks.find_row(conn, name)
            found.append(statistics(conn, quota_plans(), by=(), days=days, task_ids=[task.id]))
    if as_json:
        print_json(
            [{"task": name, **facts(one.total, one.feeds)} for name, one in zip((first, second), found, strict=True)]
        )
        return
    one, other = (_shown(each.total, each.feeds) for each in found)
    print_table(("", first, second), [(name, one[name], other[name]) for name in one], empty="")


def _dimensions(by: str) -> list[Dimension]:
    names = [name.strip().replace("-", "_") for name in by.split(",") if name.strip()]
    unknown = [name for name in names if name not in _DIMENSIONS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(_DIMENSIONS)}", param_hint="--by")
    return [one for one in Dimension if one.value in names]


def _values(row: StatisticsRow, names: list[str]) -> dict[str, str]:
    return {name: getattr(row, name) for name in names}


def _line(counts: MailCounts) -> list[object]:
    tracked = (
        counts.opened_people if counts.opens_tracked else None,
        counts.clicked_people if counts.clicks_tracked else None,
    )
    return [*(getattr(counts, name) for name in _COLUMNS[:6]), *tracked]


def _shown(counts: MailCounts, feeds: Collection[str]) -> dict[str, str]:
    plain = {name: f"{getattr(counts, name):,}" for name in ("requested", *(one for one in asdict(counts)))}
    shares = {
        name: "-" if one.share is None else f"{one.share:.2%} ({one.numerator} of {one.denominator})"
        for name, one in rates(counts, feeds).items()
    }
    return plain | shares


def _print_csv(names: list[str], found: Statistics) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    sums = ("requested", "refused", "bounced", "reached")
    writer.writerow([*names, *asdict(MailCounts()), *sums, *rates(MailCounts(), ())])
    for row in found.rows:
        shares = ["" if one.share is None else f"{one.share:.6f}" for one in rates(row.counts, found.feeds).values()]
        counted = [*asdict(row.counts).values(), *(getattr(row.counts, name) for name in sums)]
        writer.writerow([*_values(row, names).values(), *counted, *shares])
