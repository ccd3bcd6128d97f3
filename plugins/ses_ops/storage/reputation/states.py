"""The reputation of sender domains as it is now: one row a domain, which has been judged or decided about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ses_ops.domain.reputation_state import ReputationState
from ses_ops.errors import Explanation
from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, statements
from ses_ops.storage.stored_moments import LAST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def of_domain(conn: Connection, sender_domain: str) -> ReputationState | None:
    """The reputation of a domain; None before it was judged for the first time."""
    return fetch_row(conn, _state, _SQL["of_domain"], sender_domain=sender_domain)


def of_domains(conn: Connection, sender_domains: Sequence[str]) -> dict[str, ReputationState]:
    """The reputation of those of the domains that have one."""
    found = fetch_rows(conn, _state, _SQL["of_domains"], sender_domains=list(sender_domains))
    return {one.sender_domain: one for one in found}


def write(conn: Connection, state: ReputationState) -> None:
    """Write all of a domain's reputation but `judged_at`. The caller holds the domain's row (`lock_domain`).

    Who is blocked until the last moment of all is blocked until a person releases the domain.
    """
    why = state.blocked_why
    values: dict[str, Any] = {name: getattr(state, name) for name in _WRITTEN}
    values["blocked_until"] = "infinity" if state.blocked_until == LAST else state.blocked_until
    values["blocked_why"] = json.dumps({"code": why.code, "facts": why.stored}) if why is not None else None
    execute(conn, _SQL["write"], **values)


def note_all_judged(conn: Connection, judged_days: Mapping[str, datetime]) -> None:
    """Note that domains were judged now, each on its quota day; never one that is newer already."""
    asked = {"domains": list(judged_days), "days": list(judged_days.values())}
    execute(conn, _SQL["note_all_judged"], **asked)


def note_judged(conn: Connection, sender_domain: str, judged_day: datetime) -> None:
    """Note that a domain was judged now, on a quota day."""
    execute(conn, _SQL["note_judged"], sender_domain=sender_domain, judged_day=judged_day)


_WRITTEN = ("sender_domain", "level", "next_level", "next_day", "pinned_level", "max_level", "reset_at", "judged_day")


def _state(*, blocked_why: Any, **columns: Any) -> ReputationState:
    why = Explanation.read(blocked_why.get("code"), blocked_why.get("facts")) if isinstance(blocked_why, dict) else None
    return ReputationState(blocked_why=why, **columns)
