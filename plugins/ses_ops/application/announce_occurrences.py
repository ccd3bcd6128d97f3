"""Announcements of finished occurrences, each once, whatever dies in between.

The caller is an Airflow task, and Airflow takes its announcements when it succeeds, and not else. So a run claims what
it is to announce, and the next run asks how that one ended: what a run that failed had claimed is announced again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import announcements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.announcements import FinishedOccurrence

#: Largest number of occurrences that one run announces; the rest waits for the next one.
MOST_AT_ONCE = 500
#: States of a task whose announcements Airflow has taken; None: its run was deleted, as only ended ones are.
_ARRIVED = ("success", None)


def to_announce(
    conn: Connection, *, run_id: str, states_of: Callable[[Sequence[str]], Mapping[str, str | None]]
) -> list[FinishedOccurrence]:
    """What the run `run_id` has to announce. `states_of` gives the states of the same task in earlier runs."""
    with transaction(conn):
        earlier = announcements.claims(conn, run_id=run_id)
    states = states_of(earlier) if earlier else {}
    arrived = [one for one in earlier if states.get(one) in _ARRIVED]
    with transaction(conn):
        announcements.confirm(conn, arrived)
        announcements.take_back(conn, [one for one in earlier if one not in arrived])
        return announcements.claim(conn, run_id=run_id, limit=MOST_AT_ONCE)


def asset_uri(task: str) -> str:
    """The asset of a send task."""
    return f"ses://send-task/{task}"


def asset_extra(one: FinishedOccurrence) -> dict[str, Any]:
    """What an update of the asset says: JSON values only."""
    return {
        "occurrence": one.occurrence_id,
        "start": one.start,
        "run_id": one.run_id,
        "sender_domain": one.sender_domain,
        "began_at": one.frozen_at and one.frozen_at.isoformat(),
        "finished_at": one.finished_at.isoformat(),
        "request": one.request,
        "sent": one.sent,
        "failed": one.failed,
        "suppressed": one.suppressed,
        "unknown": one.unknown,
        "cancelled": max(0, one.request - one.sent - one.failed - one.suppressed - one.unknown),
    }
