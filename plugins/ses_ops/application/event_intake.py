"""Where listeners bring events: into PostgreSQL, or into a spool on disk, from which they get there later.

When a call returns, its records survive the end of this process, of PostgreSQL and of the machine; they are recorded
exactly once, because a repetition changes nothing (`record_events`). A thread drains the spool when PostgreSQL is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from os import statvfs
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from ses_ops.application.record_events import note_refused
from ses_ops.application.record_groups import MOST_IN_A_GROUP, Given, RecordGroups
from ses_ops.application.write_records import drained, refusal, write
from ses_ops.errors import DatabaseUnavailable, Explanation, SesError
from ses_ops.events.spool import DAMAGED, SpoolFailed, SpoolWriter, claimed, waiting
from ses_ops.storage.connection import connect, database_now, transaction

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Seconds for which a caller waits for PostgreSQL before its records go to the spool.
PATIENCE = 2.0
#: Seconds between two looks at the spool and, while PostgreSQL is unavailable, between two tries to connect.
TURN = 0.5
#: Seconds between two syncs of what was written by `take_soon`.
SYNCED_EVERY = 0.05
#: Seconds after which PostgreSQL is looked at although nobody brings an event, for the health check.
LOOK_EVERY = 10.0
#: Octets of free disk below which the health is bad.
LEAST_FREE = 64 << 20
#: A statement that takes longer (milliseconds) ends, so that the recording thread is never stuck for ever.
_OPTIONS = "-c statement_timeout=15000 -c synchronous_commit=on"
_log = logging.getLogger(__name__)


class Kept(StrEnum):
    """Where the records of a call are."""

    RECORDED = "recorded"
    SPOOLED = "spooled"


@dataclass(frozen=True, kw_only=True, slots=True)
class IntakeState:
    """For the health check."""

    #: Whether PostgreSQL takes events.
    database: bool
    #: Octets that wait in the spool, of all processes that share it.
    waiting: int
    #: Files with lines that were damaged or that PostgreSQL refuses; a person has to look at them.
    damaged: int
    #: Octets free on the disk of the spool.
    free: int
    #: Whether the spool could not be written when it was last tried.
    spool_failed: bool

    @property
    def disk_full(self) -> bool:
        """Whether the disk takes no events, or soon will not."""
        return self.free < LEAST_FREE or self.spool_failed

    @property
    def takes_events(self) -> bool:
        """Whether an event can be kept somewhere."""
        return self.database or not self.spool_failed


class EventIntake:
    """Takes events from several threads and event loops of a process. Call `start` first, `close` at the end."""

    def __init__(self, dsn: str, spool_folder: Path) -> None:
        self._dsn = dsn
        self.spool_folder = spool_folder
        self._writer = SpoolWriter(folder=spool_folder)
        self._soon_writer = SpoolWriter(folder=spool_folder)
        self._recording: Connection | None = None
        self._away = False
        self._spool_failed = False
        self._ends = Event()
        self._refusals: list[tuple[str, Explanation]] = []
        self._refusals_lock = Lock()

    def start(self) -> None:
        """Begin the threads. Raises OSError when the folder of the spool cannot be made."""
        self.spool_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = RecordGroups("record events", self._record_group)
        self._spool = RecordGroups("spool events", self._spool_group)
        self._soon = RecordGroups("spool opens and clicks", self._spool_soon)
        self._syncer = Thread(target=self._sync_for_ever, name="sync the spool", daemon=True)
        self._syncer.start()
        self._drainer = Thread(target=self._drain_for_ever, name="drain the spool", daemon=True)
        self._drainer.start()

    def close(self) -> None:
        """End the threads; what was given is written first."""
        self._ends.set()
        self._database.close(PATIENCE + 1)
        self._spool.close(PATIENCE + 1)
        self._soon.close(PATIENCE + 1)
        self._syncer.join(PATIENCE)
        self._drainer.join(PATIENCE)
        self._writer.close()
        self._soon_writer.sync()
        self._soon_writer.close()

    def record(self, records: Given) -> Kept:
        """Keep events and unmatched records; blocks. Raises SesError if neither PostgreSQL nor the disk takes them."""
        if not self._away:
            try:
                self._database.give(records).result(PATIENCE)
                return Kept.RECORDED
            except Exception as cause:
                self._put_off(cause)
        self._spool.give(records).result()
        return Kept.SPOOLED

    async def take(self, records: Given) -> Kept:
        """As `record`, for an event loop."""
        if not self._away:
            future = asyncio.wrap_future(self._database.give(records))
            try:
                await asyncio.wait_for(asyncio.shield(future), PATIENCE)
                return Kept.RECORDED
            except Exception as cause:
                future.add_done_callback(_forget)
                self._put_off(cause)
        await asyncio.wrap_future(self._spool.give(records))
        return Kept.SPOOLED

    async def take_to_disk(self, records: Given) -> Kept:
        """As `take`, but to the disk first, to be recorded within a second or so.

        For an answer after which nobody looks at what it changed: its time is that of one fsync, also while senders
        keep PostgreSQL busy, and what came in a turn of the drainer is one transaction.
        """
        try:
            await asyncio.wrap_future(self._spool.give(records))
            return Kept.SPOOLED
        except SpoolFailed:
            return await self.take(records)

    async def take_soon(self, records: Given) -> None:
        """As `take_to_disk`, but the records are written and not yet synced: a matter of SYNCED_EVERY.

        For opens and clicks, which nobody repeats and for which nobody may wait. The end of this process loses nothing
        that was written; a loss of power loses what came in the last moment.
        """
        try:
            await asyncio.wrap_future(self._soon.give(records))
        except SpoolFailed:
            await self.take(records)

    def note_refused(self, source: str, why: Explanation) -> None:
        """Count what was refused at the door of a feed, for the page; soon, and not while PostgreSQL is unavailable."""
        with self._refusals_lock:
            if len(self._refusals) < MOST_IN_A_GROUP:
                self._refusals.append((source, why))

    @property
    def away(self) -> bool:
        """Whether PostgreSQL was unavailable when it was last tried."""
        return self._away

    def state(self) -> IntakeState:
        """The state for a health check. Raises OSError when the folder of the spool is gone."""
        sizes = 0
        for path in waiting(self.spool_folder):
            with suppress(FileNotFoundError):
                sizes += path.stat().st_size
        disk = statvfs(self.spool_folder)
        damaged = sum(1 for _ in self.spool_folder.glob(f"*{DAMAGED}"))
        free = disk.f_bavail * disk.f_frsize
        return IntakeState(
            database=not self._away, waiting=sizes, damaged=damaged, free=free, spool_failed=self._spool_failed
        )

    def _put_off(self, cause: BaseException) -> None:
        """Note why records go to the spool: PostgreSQL is unavailable or too slow, or refuses just these records."""
        if isinstance(cause, SesError | TimeoutError):
            if not self._away:
                _log.warning("PostgreSQL does not take events, which go to the spool: %s", cause or "no answer")
            self._away = True
        else:
            _log.warning("PostgreSQL refuses an event, which goes to the spool: %s", cause)

    def _record_group(self, group: Sequence[Given]) -> Sequence[BaseException | None]:
        if self._recording is None or self._recording.closed:
            self._recording = connect(self._dsn, application="ses listener", options=_OPTIONS)
        try:
            write(self._recording, [record for given in group for record in given])
            return [None] * len(group)
        except SesError:
            self._recording.close()
            raise
        except Exception:  # one caller's record must not harm the others
            return [refusal(self._recording, given) for given in group]

    def _spool_group(self, group: Sequence[Given]) -> Sequence[BaseException | None]:
        return self._append(self._writer, group, sync=True)

    def _spool_soon(self, group: Sequence[Given]) -> Sequence[BaseException | None]:
        return self._append(self._soon_writer, group, sync=False)

    def _append(self, writer: SpoolWriter, group: Sequence[Given], *, sync: bool) -> Sequence[BaseException | None]:
        try:
            writer.append([record for given in group for record in given], sync=sync)
        except SpoolFailed as cause:
            _log.warning("%s", cause)
            self._spool_failed = True
            raise
        self._spool_failed = False
        return [None] * len(group)

    def _sync_for_ever(self) -> None:
        while not self._ends.wait(SYNCED_EVERY):
            try:
                self._soon_writer.sync()
            except SpoolFailed as cause:
                _log.warning("%s", cause)
                self._spool_failed = True

    def _drain_for_ever(self) -> None:
        conn: Connection | None = None
        looked_at = 0.0
        while not self._ends.wait(TURN):
            try:
                due = time.monotonic() - looked_at > LOOK_EVERY
                if due or self._away or self._refusals or waiting(self.spool_folder):
                    looked_at = time.monotonic()
                    if conn is None or conn.closed:
                        conn = connect(self._dsn, application="ses spool", options=_OPTIONS, connect_timeout=3)
                    self._drain(conn)
            except Exception as cause:
                if isinstance(cause, DatabaseUnavailable):
                    self._put_off(cause)
                else:
                    _log.warning("the spool cannot be drained now: %s", cause)
                if conn is not None:
                    conn.close()

    def _drain(self, conn: Connection) -> None:
        """Record what this and other processes have spooled. Raises the error of a database that is unavailable."""
        # Present again only after a statement: a pooler takes connections while its server is unavailable.
        with transaction(conn):
            database_now(conn)
        with self._refusals_lock:
            refusals, self._refusals = self._refusals, []
        for source, why in refusals:
            note_refused(conn, source=source, why=why)
        self._writer.close()
        self._soon_writer.close(sync=False)
        self._away = False
        for path in waiting(self.spool_folder):
            try:
                with claimed(path) as file:
                    if file is not None:
                        file.remove(drained(conn, file.records))
            except OSError as cause:  # a file of another user, a full disk: no reason to leave the others
                _log.warning("%s cannot be drained now: %s", path.name, cause)


def _forget(future: asyncio.Future[None]) -> None:
    """Look at the outcome of a future that nobody awaits any more, or asyncio reports it."""
    if not future.cancelled():
        future.exception()
