"""`ses quota show`: the warm-up quota of the sender domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import cell, json_option, print_facts, print_json, print_table
from ses_ops.cli.session import database, quota_variable
from ses_ops.errors import NotFound, SesError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection


@click.group()
def quota() -> None:
    """The warm-up quota: messages a day of each sender domain. Its plans are the Airflow Variable ses_warmup_quota."""


@quota.command(epilog=examples("ses quota show", "ses quota show mail.example.com --json"))
@click.argument("domain", required=False)
@json_option
@click.pass_context
def show(ctx: click.Context, domain: str | None, as_json: bool) -> None:
    """Show today's quota of every sender domain, or of DOMAIN with its plan and history.

    Exit code 1 when a domain has no valid plan.
    """
    from ses_ops.domain.warmup import parse_quota_variable
    from ses_ops.storage import quota_overview

    entries: dict[str, Any] = {}
    problem: str | None = None
    try:
        entries = parse_quota_variable(quota_variable())
    except SesError as error:
        problem = str(error)
    with database() as conn:
        known = sorted({*quota_overview.domains(conn), *entries})
        if domain is not None and domain.lower() not in known:
            raise NotFound("sender domain", domain, hint=f"known are {', '.join(known) or 'none'}")
        chosen = known if domain is None else [domain.lower()]
        rows = [_facts(conn, entries, one, problem) for one in chosen]
    if as_json:
        print_json(rows)
    elif domain is not None:
        _print_one(rows[0])
    else:
        columns = ("domain", "day", "allotment", "used", "reserved", "left", "backlog", "ends_at", "error")
        print_table(columns, [[row[name] for name in columns] for row in rows], empty="There is no sender domain yet.")
        if problem and not rows:
            raise SesError(problem)
    if any(row["error"] for row in rows):
        ctx.exit(1)


def _facts(conn: Connection, entries: dict[str, Any], domain: str, problem: str | None) -> dict[str, Any]:
    from ses_ops.domain.warmup import plan_for
    from ses_ops.storage import quota_overview

    facts: dict[str, Any] = dict.fromkeys(("day", "starts_at", "ends_at", "allotment", "used", "reserved", "left"))
    facts |= {"domain": domain, "error": problem, "plan": None, "time_zone": None, "day_length": None}
    try:
        if problem is None:
            plan = plan_for(entries, domain)
            facts |= {"plan": plan.steps, "time_zone": plan.time_zone, "day_length": plan.day_length}
            facts |= {"started_on": plan.started_on, "daily_limit": plan.daily_limit}
            today = quota_overview.today(conn, plan)
            facts |= {"day": today.day.number, "starts_at": today.day.starts_at, "ends_at": today.day.ends_at}
            facts |= {"allotment": today.day.allotment, "left": today.left}
            facts |= {"used": today.used, "reserved": today.reserved}
    except SesError as error:
        facts["error"] = str(error)
    facts["backlog"] = sum(part.count for part in quota_overview.backlog(conn, domain))
    facts["history"] = quota_overview.history(conn, domain)
    return facts


def _print_one(row: dict[str, Any]) -> None:
    history, steps = row.pop("history"), row.pop("plan")
    print_facts({name: value for name, value in row.items() if value is not None})
    if steps:
        day = row["day"] or 0
        marked = [f"[{cell(step)}]" if number == day else cell(step) for number, step in enumerate(steps, 1)]
        click.echo(f"\nplan, a day: {'  '.join(marked)}" + ("  (on its last step)" if day > len(steps) else ""))
    click.echo()
    names = ("number", "starts_at", "ends_at", "allotment", "used", "reserved")
    print_table(names, [[day[name] for name in names] for day in history], empty="Nothing was sent yet.")
