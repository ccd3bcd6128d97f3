"""What a dead process left of single messages: taken over by another, or by the maintenance."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_ops.errors import Explanation
from ses_ops.sending.release import Ending
from ses_ops.sending.single.closing import release_dead
from ses_ops.storage.connection import StatementFailed, transaction
from ses_ops.storage.single_messages import processes

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.single_messages.processes import Suspect

_log = logging.getLogger(__name__)

#: Seconds for which a process must hold no lock and give no sign of life. One that lost its connections when PostgreSQL
#: began anew has its lock back sooner.
SILENT_FOR = 5.0


class DeadProcesses:
    """The processes without a lock, as one watcher sees them from look to look."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[datetime, float]] = {}
        #: Number of processes, besides the watcher's own, that lived at the last look.
        self.living = 0

    def take_over(self, conn: Connection, *, now: float, besides: int = 0) -> int:
        """Take over what processes left that had no lock and no heartbeat for SILENT_FOR seconds, up to `now`.

        `now` is of a steady clock, `besides` is the watcher's own process. Returns the number of chunks. Safe to
        repeat, and for several watchers at once.
        """
        with transaction(conn):
            left = processes.not_ended(conn, besides=besides)
            left += processes.not_settled(conn)
        self._seen = {one.id: self._seen.get(one.id, (one.beat_at, now)) for one in left}
        taken = self.living = 0
        for one in left:
            with transaction(conn):
                dead = processes.try_lock(conn, one.id)
            if not dead:
                del self._seen[one.id]
                self.living += 1
                continue
            try:
                beat_at, since = self._seen[one.id]
                if beat_at != one.beat_at:
                    self._seen[one.id] = (one.beat_at, now)
                elif now - since >= SILENT_FOR:
                    taken += _take_over(conn, one)
                    del self._seen[one.id]
            finally:
                if not conn.closed:
                    with transaction(conn):
                        processes.unlock(conn, one.id)
        return taken

    @property
    def any(self) -> bool:
        """Whether the last look found one that may be dead."""
        return bool(self._seen)


def _take_over(conn: Connection, dead: Suspect) -> int:
    """Release all that a dead process holds. The caller holds its lock."""
    process = dead.process
    with transaction(conn):
        # From here on it can open no chunk, if it lives after all.
        processes.end(conn, process)
        held = processes.chunks_of(conn, process)
    ending = Ending(reason=Explanation("sender_died").sentence, backoff=False)
    for chunk_id in held:
        try:
            release_dead(conn, chunk_id, run_id=process.run_id, ending=ending)
        except StatementFailed:  # (not an unavailable server.) This chunk must not delay the others
            _log.exception("chunk %s of single messages cannot be taken over", chunk_id)
    if held:
        _log.warning("%s chunks of single messages were taken over from process %s", len(held), process.name)
    return len(held)
