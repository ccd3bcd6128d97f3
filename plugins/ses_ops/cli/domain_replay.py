"""`ses domain replay`: the decisions about a sender domain, worked out again from attempts and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.domain_decisions import known_domain
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, note, print_json, print_table
from ses_ops.cli.session import database, quota_plans
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from ses_ops.application.replay_reputation import Replay, ReplayedDecision

#: Exit code when a decision differs from what is found now.
DIFFERS = 1


@click.command(
    epilog=examples("ses domain replay mail.example.com --days 60", "ses domain replay mail.example.com --json")
)
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 60), default=60, show_default=True, help="Quota days back from today.")
@json_option
@click.pass_context
def replay(ctx: click.Context, name: str, days: int, as_json: bool) -> None:
    """Work out again what was decided about the sender domain NAME, and print it beside each stored decision.

    The figures are counted anew from attempts and events as they were at the moment of the decision; nothing is
    changed. Exit code 1 when a decision differs.
    """
    from ses_ops.application.replay_reputation import replay_reputation

    plans = quota_plans()
    with database() as conn:
        key = known_domain(conn, plans, name)
        found = replay_reputation(conn, plans, key, days=days)
    if found is None:
        raise SesError(f"the calendar alone leads {key}: nothing was decided by its figures")
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)
    if not found.agrees:
        ctx.exit(DIFFERS)


def _print(found: Replay) -> None:
    rows = [
        [one.decision.decided_at, one.decision.kind, one.decision.level_before, one.decision.level_after, *_beside(one)]
        for one in found.decisions
    ]
    names = ("decided", "decision", "from", "to", "figures stored", "figures found", "result")
    print_table(names, rows, empty="Nothing was decided by the figures in these days.")
    for one in found.due:
        note(f"not decided yet, and due now: {one.kind.value}, {one.why}")
    differing = sum(not one.agrees for one in found.decisions)
    agreeing = len(found.decisions) - differing
    click.echo(f"\n{found.sender_domain}: {agreeing:,} of {len(found.decisions):,} decisions would be made again")


def _beside(one: ReplayedDecision) -> tuple[str, str, str]:
    """The figures that differ, as they are stored and as they are found; the attempted messages where none differs."""
    differences = one.differences
    if differences:
        stored = ", ".join(f"{name} {then:,}" for name, (then, _) in differences.items())
        figures = ", ".join(f"{name} {now:,}" for name, (_, now) in differences.items())
    else:
        stored = f"attempted {one.decision.figures.attempted:,}"
        figures = f"attempted {one.figures.attempted:,}"
    return stored, figures, _result(one)


def _result(one: ReplayedDecision) -> str:
    if one.unknown:
        return "unknown: its events were dropped"
    if not one.follows:
        return "differs: the rules do not lead to it"
    return "agrees" if one.agrees else "differs"


def _facts(found: Replay) -> dict[str, Any]:
    return {
        "domain": found.sender_domain,
        "agrees": found.agrees,
        "decisions": [
            {
                "id": one.decision.id,
                "decided_at": one.decision.decided_at,
                "kind": one.decision.kind,
                "of_day": one.decision.of_day,
                "level_before": one.decision.level_before,
                "level_after": one.decision.level_after,
                "figures_stored": one.decision.figures.stored,
                "figures_found": one.figures.stored,
                "differences": {name: {"stored": then, "found": now} for name, (then, now) in one.differences.items()},
                "follows": one.follows,
                "unknown": one.unknown,
                "agrees": one.agrees,
            }
            for one in found.decisions
        ],
        "due": [{"kind": one.kind, "why": str(one.why)} for one in found.due],
    }
