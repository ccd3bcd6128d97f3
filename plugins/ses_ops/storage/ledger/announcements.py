"""Finished occurrences that Airflow's assets are told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_rows, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedOccurrence:
    """A finished occurrence. Counts are messages."""

    occurrence_id: int
    task: str
    sender_domain: str
    #: Number of the start, from 1.
    start: int
    run_id: str
    frozen_at: datetime | None
    finished_at: datetime
    request: int
    sent: int
    failed: int
    suppressed: int
    unknown: int


def claims(conn: Connection, *, run_id: str) -> list[str]:
    """The other runs whose announcements are not known to have arrived."""
    return [str(one) for one in fetch_values(conn, _SQL["claims"], run_id=run_id)]


def confirm(conn: Connection, run_ids: Sequence[str]) -> None:
    """What these runs have announced has arrived."""
    execute(conn, _SQL["confirm"], run_ids=list(run_ids))


def take_back(conn: Connection, run_ids: Sequence[str]) -> None:
    """What these runs were to announce is not announced."""
    execute(conn, _SQL["take_back"], run_ids=list(run_ids))


def claim(conn: Connection, *, run_id: str, limit: int) -> list[FinishedOccurrence]:
    """The finished occurrences that a run is to announce: those that it had claimed before, and others."""
    ids = fetch_values(conn, _SQL["claim"], run_id=run_id, limit=limit)
    return fetch_rows(conn, FinishedOccurrence, _SQL["finished"], ids=ids, run_id=run_id)
