"""Use case: what was decided about a domain's reputation is worked out again from attempts and events.

Each decision is asked two things: whether its figures are those of the rows that were there at its moment, and whether
the rules say the same of them. Then the days are asked what they lead to now and was not decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.application.judge_reputation import judged_case, read_case
from ses_ops.domain.reputation import (
    LOOK_BACK_DAYS,
    Figures,
    alarms,
    blocked_by,
    enough,
    good_by,
    lowered_by,
)
from ses_ops.domain.reputation_decision import Decision, DecisionKind
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import recount
from ses_ops.storage.reputation import decisions, replay
from ses_ops.storage.reputation.replay import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.reputation_decision import NewDecision
    from ses_ops.domain.warmup import QuotaPlans

#: Kinds that the figures lead to.
BY_FIGURES = frozenset({DecisionKind.RAISE, DecisionKind.LOWER, DecisionKind.BLOCK, DecisionKind.ALARM})
#: Figures that depend on verdicts, which may be given anew: a difference of them alone is no disagreement.
_BY_VERDICT = frozenset({"opened_people"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedDecision:
    """A decision, and what is found of it now."""

    decision: Decision
    #: The figures of its day, and of its window, as the rows give them at its moment.
    figures: Figures
    window: Figures | None
    #: Events of its days were dropped since, so that nobody can tell.
    unknown: bool
    #: Whether the rules lead from these figures to this decision.
    follows: bool

    @property
    def differences(self) -> dict[str, tuple[int, int]]:
        """(stored, found) by the name of a figure; those of the window as `window.<name>`."""
        found = _differences(self.decision.figures, self.figures)
        if self.decision.window is not None and self.window is not None:
            of_window = _differences(self.decision.window, self.window)
            found |= {f"window.{name}": both for name, both in of_window.items()}
        return found

    @property
    def agrees(self) -> bool:
        """Whether the decision would be made again."""
        counted = {name for name in self.differences if name.removeprefix("window.") not in _BY_VERDICT}
        return self.unknown or (self.follows and not counted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """The replay of a domain."""

    sender_domain: str
    #: Oldest first; the decisions of people are not asked.
    decisions: list[ReplayedDecision]
    #: What the figures lead to now and was not decided yet; a judge would decide it at once.
    due: tuple[NewDecision, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that was decided would be decided again."""
        return all(one.agrees for one in self.decisions)


def replay_reputation(conn: Connection, plans: QuotaPlans, domain: str, *, days: int = LOOK_BACK_DAYS) -> Replay | None:
    """Work out again what was decided in the last quota days; None: the domain's plan has no reputation.

    Changes nothing. Raises QuotaError when the plan is wrong or missing, WarmupNotBegun, DatabaseUnavailable.
    """
    plan = plans[domain]
    if plan.reputation is None:
        return None
    with transaction(conn):
        case = read_case(conn, plan)
        made = decisions.of_domain(conn, domain, since=case.day.starts_at - days * plan.day_length)
        asked = [one for one in reversed(made) if one.kind in BY_FIGURES and one.of_day is not None]
        kept_from = recount.kept_from(conn)
        found = replay.as_of(conn, domain, [question for one in asked if (question := _question(one))])
    due = () if case.state is None else judged_case(case).decisions
    return Replay(sender_domain=domain, decisions=[_replayed(one, found[one.id], kept_from) for one in asked], due=due)


def _question(one: Decision) -> Question | None:
    if one.of_day is None:
        return None
    return Question(one.id, one.decided_at, one.window_from or one.of_day, one.of_day)


def _replayed(one: Decision, days: Sequence[tuple[datetime, Figures]], kept_from: datetime) -> ReplayedDecision:
    figures = next((of for day, of in days if day == one.of_day), Figures())
    window = None if one.window is None else sum((of for _, of in days), Figures())
    first = one.window_from or one.of_day
    return ReplayedDecision(
        decision=one,
        figures=figures,
        window=window,
        unknown=first is not None and first < kept_from,
        follows=_follows(one, _as_opened(figures, one.figures), window and _as_opened(window, one.window or window)),
    )


def _as_opened(found: Figures, stored: Figures) -> Figures:
    """Figures with the people who had opened the mail by the verdicts of then."""
    return replace(found, opened_people=stored.opened_people)


def _follows(one: Decision, figures: Figures, window: Figures | None) -> bool:
    match one.kind:
        case DecisionKind.RAISE:
            before, after = one.level_before or 0, one.level_after or 0
            good = good_by(figures) is not None and window is not None and good_by(window) is not None
            return good and after == before + 1 and enough(figures, before)
        case DecisionKind.LOWER:
            return lowered_by(figures) is not None
        case DecisionKind.BLOCK:
            return blocked_by(figures) is not None
        case _:
            return alarms(figures)


def _differences(stored: Figures, found: Figures) -> dict[str, tuple[int, int]]:
    then, now = stored.stored, found.stored
    return {name: (then[name], now[name]) for name in then if then[name] != now[name]}
