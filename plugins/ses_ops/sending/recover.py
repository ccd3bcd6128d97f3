"""Find what a lost trigger or a dead run left behind, so that no queue hangs until a person looks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2

from ses_ops.domain.occurrence import RESUME_RUN_PREFIX
from ses_ops.errors import Conflict, NotFound
from ses_ops.sending.settle import finish_what_is_over, release_abandoned
from ses_ops.storage.connection import transaction
from ses_ops.storage.named_sql import fetch_all
from ses_ops.storage.quota.sender_domains import database_now
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)

#: Cached mail that is due for longer has lost its run.
DUE_PATIENCE = timedelta(seconds=90)
#: Reserved chunks that nobody began or kept alive for longer have lost theirs. A chunk that only waited for a free
#: worker slot is taken away without harm: its task will find nothing to do, and another run sends it.
RESERVED_PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A task that needs a run now."""

    task_name: str
    run_id: str
    run_after: datetime


def recover(
    conn: Connection, *, due_patience: timedelta = DUE_PATIENCE, reserved_patience: timedelta = RESERVED_PATIENCE
) -> list[Overdue]:
    """Release chunks of dead runs, finish what has nothing left, and name the tasks whose cached mail is due without
    a run. Safe to repeat.
    """
    with transaction(conn):
        stale = fetch_all(conn, "chunks", "stale_reserved", patience=reserved_patience)
    for chunk in stale:
        try:
            release_abandoned(conn, chunk["id"], run_id=chunk["run_id"], reason=None)
        except Conflict:
            continue  # somebody sends it after all
        except psycopg2.Error:  # not that the server is away: this one must not hold up the others
            log.exception("chunk %s cannot be released", chunk["id"])
    _finish_what_is_over(conn)
    with transaction(conn):
        now = database_now(conn)
        rows = fetch_all(conn, "chunks", "overdue_tasks", patience=due_patience)
    return [
        Overdue(task_name=row["name"], run_id=f"{RESUME_RUN_PREFIX}recovered_{now:%Y-%m-%dT%H:%M}", run_after=now)
        for row in rows
    ]


def _finish_what_is_over(conn: Connection) -> None:
    """Finish the tasks that no settle finished: a person can mark a run failed, or clear it, while it settles."""
    with transaction(conn):
        rows = fetch_all(conn, "occurrences", "tasks_to_finish")
    for row in rows:
        try:
            with transaction(conn):
                finish_what_is_over(conn, send_tasks.lock_row(conn, row["name"]))
        except NotFound:
            continue  # deleted meanwhile
        except psycopg2.Error:
            log.exception("send task %r cannot be finished", row["name"])
