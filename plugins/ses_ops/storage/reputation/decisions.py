"""Decisions about the reputation of sender domains, each with the figures that it was made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ses_ops.domain.reputation import Figures
from ses_ops.domain.reputation_decision import Decision, DecisionKind
from ses_ops.domain.reputation_judgement import PastDecisions
from ses_ops.errors import Explanation
from ses_ops.storage.named_sql import fetch_all, fetch_row, fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.reputation_decision import NewDecision

_SQL = statements(__file__)


def insert(
    conn: Connection,
    sender_domain: str,
    decision: NewDecision,
    *,
    decided_at: datetime,
    shadow: bool = False,
    actor: str | None = None,
    note: str = "",
) -> Decision:
    """Write a decision. `actor`: the person who made it, with that one's reason as `note`."""
    figures: dict[str, Any] = {"day": decision.figures.stored} if decision.of_day is not None else {}
    if decision.window is not None and decision.window_from is not None:
        figures |= {"window": decision.window.stored, "window_from": decision.window_from.isoformat()}
    made = fetch_row(
        conn,
        _decision,
        _SQL["insert"],
        sender_domain=sender_domain,
        decided_at=decided_at,
        quota_day=decision.quota_day,
        of_day=decision.of_day,
        effective_at=decision.effective_at,
        kind=decision.kind.value,
        level_before=decision.level_before,
        level_after=decision.level_after,
        why=json.dumps({"code": decision.why.code, "facts": decision.why.stored}),
        figures=json.dumps(figures),
        shadow=shadow,
        actor=actor,
        note=note,
    )
    assert made is not None
    return made


def of_domain(
    conn: Connection, sender_domain: str, *, since: datetime | None = None, limit: int | None = None
) -> list[Decision]:
    """The decisions about a domain that were made, or whose day of sending began, since a moment; newest first."""
    asked = {"sender_domain": sender_domain, "since": since, "limit": limit}
    return fetch_rows(conn, _decision, _SQL["of_domain"], **asked)


def past_of(conn: Connection, since: Mapping[str, datetime]) -> dict[str, PastDecisions]:
    """What was decided of the days of sender domains that a judge looks at, each since a moment."""
    asked = {"domains": list(since), "since": list(since.values())}
    return {row.pop("sender_domain"): _past(**row) for row in fetch_all(conn, _SQL["past_of"], **asked)}


def _past(
    *, lowered: list[datetime], blocked: list[datetime], alarmed: list[datetime], lower_from: datetime | None
) -> PastDecisions:
    return PastDecisions(
        lowered=frozenset(lowered), blocked=frozenset(blocked), alarmed=frozenset(alarmed), lower_from=lower_from
    )


def alarming(conn: Connection, *, since: datetime) -> list[Decision]:
    """Of each domain the newest decision since a moment that lowered or blocked it, or alarmed."""
    return fetch_rows(conn, _decision, _SQL["alarming"], since=since)


def _decision(*, kind: str, why: Any, figures: Any, **columns: Any) -> Decision:
    why = why if isinstance(why, dict) else {}
    figures = figures if isinstance(figures, dict) else {}
    window = figures.get("window")
    window_from = columns.pop("window_from")
    return Decision(
        kind=DecisionKind(kind),
        why=Explanation.read(why.get("code"), why.get("facts")) or Explanation(str(why.get("code", ""))),
        figures=Figures.read(figures.get("day") or {}),
        window=None if window is None else Figures.read(window),
        window_from=window_from,
        **columns,
    )
