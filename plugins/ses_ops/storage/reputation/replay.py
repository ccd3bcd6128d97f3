"""Figures of sender domains as they were at a moment, from the rows of attempts and events themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ses_ops.domain.reputation import Figures
from ses_ops.storage.named_sql import fetch_all, statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


class Question(NamedTuple):
    """The days of sending from the first to the last, as they were known at a moment."""

    id: int
    moment: datetime
    first_day: datetime
    last_day: datetime


def as_of(
    conn: Connection, sender_domain: str, questions: Sequence[Question]
) -> dict[int, list[tuple[datetime, Figures]]]:
    """The answer to each question by its id: (start of the day of sending, figures), oldest first."""
    found: dict[int, list[tuple[datetime, Figures]]] = {one.id: [] for one in questions}
    if not questions:
        return found
    ids, moments, first_days, last_days = map(list, zip(*questions, strict=True))
    asked = {"ids": ids, "moments": moments, "first_days": first_days, "last_days": last_days}
    for row in fetch_all(conn, _SQL["as_of"], sender_domain=sender_domain, **asked):
        found[row.pop("id")].append((row.pop("sent_day"), Figures(**row)))
    return found
