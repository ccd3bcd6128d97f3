"""Figures of sender domains by day of sending, from the counts of attempts, of feedback and of opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.reputation import Figures
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What else a judge has to know of a domain, as it is now."""

    sender_domain: str
    #: Whether a feed would tell of bounces or complaints of the domain's mail.
    measured: bool
    #: Number of messages that a server deferred while they were sent, and that still wait.
    waiting: int


def by_day(conn: Connection, since: Mapping[str, datetime]) -> dict[str, list[tuple[datetime, Figures]]]:
    """(start of the day of sending, figures) of sender domains, oldest first, each since a moment."""
    found: dict[str, list[tuple[datetime, Figures]]] = {domain: [] for domain in since}
    asked = {"domains": list(since), "since": list(since.values())}
    for row in fetch_all(conn, _SQL["by_day"], **asked):
        found[row.pop("sender_domain")].append((row.pop("sent_day"), Figures(**row)))
    return found


def evidence(conn: Connection, domains: list[str]) -> dict[str, Evidence]:
    """Whether domains are measured, and what of their mail is deferred."""
    return {one.sender_domain: one for one in fetch_rows(conn, Evidence, _SQL["evidence"], domains=domains)}


def hold_writers(conn: Connection, sender_domain: str) -> datetime:
    """Let no attempt of the domain end, and no event be recorded, until the transaction ends; returns the moment.

    Everything that is counted then carries an earlier moment, and everything counted later a later one, so that a
    replay finds the same figures. The caller holds the domain's row.
    """
    execute(conn, _SQL["hold_attempts"], sender_domain=sender_domain)
    execute(conn, _SQL["hold_events"])
    now: datetime = fetch_value(conn, _SQL["moment"])
    return now
