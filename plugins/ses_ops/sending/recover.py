"""Recovery from lost triggers and dead runs, so that no mail waits for a person."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import RESUME_RUN_PREFIX
from ses_ops.errors import Conflict, NotFound
from ses_ops.sending.home import check_home
from ses_ops.sending.release import release_abandoned
from ses_ops.sending.settle import finish_what_is_over
from ses_ops.storage.connection import StatementFailed, database_now, transaction
from ses_ops.storage.ledger import chunks, occurrences
from ses_ops.storage.restore import home
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)

#: The time after which cached mail that is due counts as mail without a run.
DUE_TIMEOUT = timedelta(seconds=90)
#: The time without a begin or a heartbeat after which a reserved chunk counts as abandoned. A chunk that only waited
#: for a free worker slot is released without harm: its task will find nothing to do, and another run sends the chunk.
RESERVED_TIMEOUT = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A task that needs a run now."""

    task_name: str
    run_id: str
    run_after: datetime

    @classmethod
    def now(cls, task_name: str, now: datetime) -> Overdue:
        """A task whose mail is due at `now`; within a minute several times the same run."""
        run_id = f"{RESUME_RUN_PREFIX}recovered_{now:%Y-%m-%dT%H:%M}"
        return cls(task_name=task_name, run_id=run_id, run_after=now)


def recover(
    conn: Connection, *, due_timeout: timedelta = DUE_TIMEOUT, reserved_timeout: timedelta = RESERVED_TIMEOUT
) -> list[Overdue]:
    """Release the chunks of dead runs, finish tasks without pending mail, and name the tasks that need a run.

    Those are the tasks whose cached mail is due and has no run. Safe to repeat. Raises LedgerRestored: what such a
    ledger has under way is for a person to judge.
    """
    check_home(conn)
    with transaction(conn):
        home.note_seen(conn)
        stale = chunks.stale_reserved(conn, timeout=reserved_timeout)
    for chunk in stale:
        try:
            release_abandoned(conn, chunk.id, run_id=chunk.run_id, reason=None)
        except Conflict:
            continue  # a process sends the chunk after all
        except StatementFailed:  # (not an unavailable server.) This chunk must not delay the others
            log.exception("chunk %s cannot be released", chunk.id)
    _finish_what_is_over(conn)
    with transaction(conn):
        now = database_now(conn)
        overdue = chunks.overdue_tasks(conn, timeout=due_timeout)
    return [Overdue.now(name, now) for name in overdue]


def _finish_what_is_over(conn: Connection) -> None:
    """Finish tasks that no settle step finished: a person can mark a run failed, or clear it, while it settles."""
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
