"""`ses quota show`: the warm-up quota of the sender domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import cell, json_option, print_facts, print_json, print_table
from ses_ops.cli.session import database, quota_plans
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.domain.warmup import WarmupPlan


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
    from ses_ops.application.quota_status import domain_quota, known_domains
    from ses_ops.domain.address import domain_key

    plans = quota_plans()
    with database() as conn:
        known = known_domains(conn, plans)
        chosen = known if domain is None else [domain_key(domain)]
        if domain is not None and chosen[0] not in known:
            raise NotFound("sender domain", domain, code="sender_domain_not_known", known=known)
        rows = [_facts(conn, domain_quota(conn, plans, one)) for one in chosen]
    if as_json:
        print_json(rows)
    elif domain is not None:
        _print_one(rows[0])
    else:
        columns = ("domain", "day", "allotment", "used", "reserved", "left", "backlog", "ends_at", "error")
        print_table(columns, [[row[name] for name in columns] for row in rows], empty="There is no sender domain yet.")
        if plans.problem and not rows:
            raise plans.problem
    if any(row["error"] for row in rows):
        ctx.exit(1)


def _facts(conn: Connection, quota: DomainQuota) -> dict[str, Any]:
    from dataclasses import asdict

    from ses_ops.storage.quota import quota_days

    facts: dict[str, Any] = dict.fromkeys(("day", "starts_at", "ends_at", "allotment", "used", "reserved", "left"))
    facts |= {"domain": quota.domain, "error": None if quota.problem is None else str(quota.problem)}
    facts |= {"plan": None, "time_zone": None, "day_length": None}
    if plan := quota.plan:
        facts |= {"plan": plan.steps, "time_zone": plan.time_zone, "day_length": plan.day_length}
        facts |= {"started_on": plan.started_on, "daily_limit": plan.daily_limit, "mode": _mode(plan)}
        facts |= {} if plan.trigger_share is None else {"trigger_share": plan.trigger_share}
        if (reputation := plan.reputation) is not None:
            facts |= {"max_level": reputation.max_level, "shadow": reputation.shadow}
            facts |= {"start_level": reputation.start_level} if plan.led_by_reputation else {}
    if today := quota.today:
        facts |= {"day": today.day.number, "starts_at": today.day.starts_at, "ends_at": today.day.ends_at}
        facts |= {"allotment": today.day.allotment, "left": today.left}
        facts |= {"single": today.single, "set_aside": today.set_aside}
        facts |= {"used": today.used, "reserved": today.reserved, "limited_by": today.allowance.limited_by.value}
        facts |= {"blocked_until": today.allowance.blocked_until}
        facts |= {"blocked": str(why) if (why := today.allowance.blocked_why) else None}
    facts["backlog"] = quota.backlog
    facts["history"] = [asdict(day) for day in quota_days.history(conn, quota.domain)]
    return facts


def _mode(plan: WarmupPlan) -> str:
    """How the quota of a day is found: `calendar`, `reputation`, or `guard`: a calendar that the reputation lowers."""
    if plan.reputation is None:
        return "calendar"
    return "reputation" if plan.led_by_reputation else "guard"


def _print_one(row: dict[str, Any]) -> None:
    history, steps = row.pop("history"), row.pop("plan")
    by_level = row.get("mode") == "reputation"
    print_facts({name: value for name, value in row.items() if value is not None})
    if steps and by_level:
        click.echo(f"\nquota of each level, a day: {'  '.join(cell(step) for step in steps)}")
    elif steps:
        day = row["day"] or 0
        marked = [f"[{cell(step)}]" if number == day else cell(step) for number, step in enumerate(steps, 1)]
        click.echo(f"\nplan, a day: {'  '.join(marked)}" + ("  (on its last step)" if day > len(steps) else ""))
    click.echo()
    names = ("number", "starts_at", "ends_at", "allotment", "used", "reserved")
    print_table(names, [[day[name] for name in names] for day in history], empty="Nothing was sent yet.")
