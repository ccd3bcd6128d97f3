"""`ses domain show`: a sender domain, its reputation and its decisions, and where its bounces go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.domains import row_of, tracked
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, note, print_facts, print_json, print_table
from ses_ops.cli.session import database, quota_plans
from ses_ops.domain.mail_tracking import Tracking

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.reputation_view import RateLine, ReputationView
    from ses_ops.domain.reputation_decision import Decision
    from ses_ops.domain.reputation_state import ReputationState

_NONE = "none: bounces go to the sender's address"
#: Decisions of a table; JSON has them all.
SHOWN = 20


@click.command(epilog=examples("ses domain show mail.example.com", "ses domain show mail.example.com --json"))
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the level of the sender domain NAME, its figures and decisions, where its bounces go, what is tracked."""
    with database() as conn:
        row = row_of(conn, name)
        reputation = _reputation(conn, row["domain"])
    if as_json:
        print_json({**row, "reputation": reputation})
        return
    figures, decisions = reputation.pop("figures"), reputation.pop("decisions")
    facts = {name: value for name, value in reputation.items() if value not in (None, "", False)}
    settings = {"bounce_domain": row["bounce_domain"] or _NONE, "track": tracked(Tracking(**row["track"]))}
    print_facts({"domain": row["domain"], **settings, **facts})
    _print_figures(figures)
    _print_decisions(decisions)
    if row["bounce_domain"]:
        click.echo("\nDNS records that the bounce domain needs:")
        for record in row["dns"]:
            click.echo(f"  {record}")
        note("HOST is the host of `ses listen bounces`, which has to be reached at port 25")


def _reputation(conn: Connection, domain: str) -> dict[str, Any]:
    from ses_ops.application.reputation_view import reputation_of
    from ses_ops.errors import InvalidInput, QuotaError
    from ses_ops.storage.reputation import decisions, states

    facts: dict[str, Any] = {"plan": None, "level": None, "quota": None, "figures": []}
    view: ReputationView | None = None
    try:
        view = reputation_of(conn, quota_plans(), domain)
        facts["plan"] = "calendar"
    except (InvalidInput, QuotaError) as problem:
        facts["problem"] = str(problem)
    if view is not None:
        facts |= _level(view)
    facts |= _persons(states.of_domain(conn, domain))
    made = view.decisions if view is not None else decisions.of_domain(conn, domain, limit=SHOWN)
    facts["decisions"] = [_decision(one) for one in made]
    return facts


def _level(view: ReputationView) -> dict[str, Any]:
    from ses_ops.domain.reputation import quota_of

    coming, state = view.next_raise, view.state
    facts: dict[str, Any] = {"plan": "guarded calendar" if view.plan.guard else "reputation", "level": view.level}
    facts |= {"quota": view.quota, "highest_level": view.cap, "measured": view.measured, "shadow": view.plan.shadow}
    facts |= {"attempted_today": view.today.attempted, "attempted_in_window": view.window.attempted}
    if state is not None and state.next_level is not None and state.pinned_level is None:
        facts |= {"next_level": state.next_level, "next_quota": quota_of(state.next_level), "next_day": state.next_day}
    if coming is not None:
        facts |= {"next_raise_at": coming.needed, "next_raise_missing": coming.missing}
        unmet = [f"{one.rate} {'above' if one.above else 'below'} {one.percent} %" for one in coming.unmet]
        facts |= {"next_raise_needs": unmet, "next_raise_held": None if coming.held is None else str(coming.held)}
    facts["figures"] = [_figure(line) for line in view.rates]
    return facts


def _persons(state: ReputationState | None) -> dict[str, Any]:
    """What a person set, and a block."""
    if state is None:
        return {"pinned_level": None, "capped_at": None, "blocked_until": None, "blocked_why": None}
    why = None if state.blocked_until is None or state.blocked_why is None else str(state.blocked_why)
    return {
        "pinned_level": state.pinned_level,
        "capped_at": state.max_level,
        "blocked_until": state.blocked_until,
        "blocked_why": why,
        "reset_at": state.reset_at,
    }


def _figure(line: RateLine) -> dict[str, Any]:
    limits = [
        {
            "rule": one.rule,
            "threshold": f"{'above' if one.threshold.above else 'below'} {one.threshold.percent} %",
            "holds": one.holds,
            "holds_in_window": one.holds_in_window,
            "distance": one.distance,
        }
        for one in line.limits
    ]
    today, window = line.today, line.window
    return {
        "figure": line.rate.value,
        "today": today.part,
        "today_of": today.of,
        "window": window.part,
        "window_of": window.of,
        "limits": limits,
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "decided_at": one.decided_at,
        "kind": one.kind,
        "level_before": one.level_before,
        "level_after": one.level_after,
        "effective_at": one.effective_at,
        "of_day": one.of_day,
        "shadow": one.shadow,
        "why": str(one.why),
        "actor": one.actor,
        "note": one.note,
    }


def _print_figures(figures: list[dict[str, Any]]) -> None:
    if not figures:
        return
    click.echo()
    rows = []
    for one in figures:
        by_rule = {limit["rule"]: limit for limit in one["limits"]}
        limits = (by_rule.get("raise_1") or by_rule.get("raise_2"), by_rule.get("lower"), by_rule.get("block"))
        cells = [None if limit is None else f"{limit['threshold']}, {limit['distance']:,} away" for limit in limits]
        rows.append([one["figure"], *(_share(one[name], one[f"{name}_of"]) for name in ("today", "window")), *cells])
    names = ("figure", "today", "window", "raises", "lowers", "blocks")
    print_table(names, rows, empty="")


def _share(part: int, of: int) -> str | None:
    from ses_ops.domain.reputation import Ratio

    return f"{Ratio(part, of).percent} % ({part:,} of {of:,})" if of else None


def _print_decisions(decisions: list[dict[str, Any]]) -> None:
    click.echo()
    rows = [
        [one["decided_at"], one["kind"], one["level_before"], one["level_after"], _sentence(one)]
        for one in decisions[:SHOWN]
    ]
    print_table(("decided", "decision", "from", "to", "why"), rows, empty="Nothing was decided yet.")


def _sentence(one: dict[str, Any]) -> str:
    person = f" ({one['actor']}: {one['note']})" if one["actor"] else ""
    return f"{one['why']}{person}{' (only computed)' if one['shadow'] else ''}"
