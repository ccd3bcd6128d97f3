"""Find what a lost trigger or a dead run left behind, so that no queue hangs until a person looks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import RESUME_RUN_PREFIX
from ses_ops.errors import Conflict, NotFound
from ses_ops.sending.release import release_abandoned
from ses_ops.sending.settle import finish_what_is_over
from ses_ops.storage.connection import StatementFailed, database_now, transaction
from ses_ops.storage.ledger import chunks, occurrences
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
        stale = chunks.stale_reserved(conn, patience=reserved_patience)
    for chunk in stale:
        try:
            release_abandoned(conn, chunk.id, run_id=chunk.run_id, reason=None)
        except Conflict:
            continue  # somebody sends it after all
        except StatementFailed:  # not that the server is away: this one must not hold up the others
            log.exception("chunk %s cannot be released", chunk.id)
    _finish_what_is_over(conn)
    with transaction(conn):
        now = database_now(conn)
        overdue = chunks.overdue_tasks(conn, patience=due_patience)
    return [
        Overdue(task_name=name, run_id=f"{RESUME_RUN_PREFIX}recovered_{now:%Y-%m-%dT%H:%M}", run_after=now)
        for name in overdue
    ]


def _finish_what_is_over(conn: Connection) -> None:
    """Finish the tasks that no settle finished: a person can mark a run failed, or clear it, while it settles."""
    with transaction(conn):
        names = occurrences.tasks_to_finish(conn)
    for name in names:
        try:
            with transaction(conn):
                finish_what_is_over(conn, send_tasks.lock_row(conn, name))
        except NotFound:
            continue  # deleted meanwhile
        except StatementFailed:
            log.exception("send task %r cannot be finished", name)
