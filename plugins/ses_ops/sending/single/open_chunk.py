"""Open chunks: where accepted single messages are put, a chunk a sender domain that grows with each commit.

The thread that accepts makes them grow; the event loop that sends closes them. Between the two stands `OpenChunks`: a
chunk that is *taken* is not closed, and one that is sealed does not grow any more. So the rows of both are never waited
for crosswise.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.sending.chunk.claim import Attempt
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.chunk.journal import open_journal
from ses_ops.storage.ledger import attempts
from ses_ops.storage.single_messages import open_chunks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.sending.chunk.journal import Journal
    from ses_ops.storage.single_messages.processes import ProcessRow

#: Largest number of messages of an open chunk, for which its journal has room.
MOST_OF_CHUNK = 8_192
#: Seconds after which a chunk with messages in it is closed: then its outcomes enter the statistics.
CLOSED_AFTER = 30.0


#: Messages of one lane stand in the same chunks: a sender domain, and what can be noticed of them.
Lane = tuple[str, Tracking]


class Mail(Protocol):
    """What is sent to the recipients of one single message: `rendering.single_mail.PreparedMail`."""

    @property
    def is_marketing(self) -> bool:
        """Whether it leaves those out who unsubscribed from the sender domain."""

    @property
    def tracked(self) -> Tracking:
        """What can be noticed of it: opens where it has a pixel, clicks where it has tracked links."""

    def made(self, *, occurrence_id: int, seq: int, place: int) -> tuple[str, bytes]:
        """The envelope sender, and the content for the recipient at `place` (from 0), in lines that end with CRLF.

        No line begins with a dot. Raises TemplateError or InvalidInput when it cannot be made.
        """


class Admitted(NamedTuple):
    """A recipient of an accepted single message, whose row is committed and marked."""

    chunk: OpenChunk
    #: The place of its row in `chunk.attempt.occurrence_id`.
    seq: int
    address: str
    #: The recipient's place in the message, from 0.
    place: int
    mail: Mail


@dataclass(kw_only=True, eq=False, slots=True)
class OpenChunk:
    """A chunk that grows. Only `OpenChunks` changes it."""

    attempt: Attempt
    domain: str
    journal: Journal | None
    #: What can be noticed of its messages.
    tracked: Tracking
    #: The moment of `feed_clock` at which the quota day ends that its places are of.
    day_ends: float
    #: The last message that is committed.
    last_seq: int
    #: Free places: reserved, and of no message.
    places: int = 0
    #: Number of messages that were, or will be, given to the sender.
    admitted: int = 0
    #: The moment of `time.monotonic` at which the chunk was opened.
    opened_at: float = field(default_factory=time.monotonic)
    #: Whether a transaction is under way that makes it grow.
    taken: bool = False
    #: Whether it grows no more.
    sealed: bool = False

    @property
    def lane(self) -> Lane:
        """What its messages have in common."""
        return self.domain, self.tracked

    @property
    def room(self) -> int:
        """Number of messages that the chunk has room for."""
        return self.attempt.first_seq + MOST_OF_CHUNK - 1 - self.last_seq


class OpenChunks:
    """The open chunks of one process, at most one of each lane grows at a time.

    Only one transaction at a time accepts messages; the methods may be called from any thread. It does, for a sender
    domain::

        chunk = chunks.take(domain, rows=3)
        if chunk is None or chunk.places < 3:
            # the quota day's row is locked, and places are reserved (quota_day.reserved and .single)
            if chunk is not None and chunk.attempt.quota_day_id != day_id:
                chunks.unchanged(chunk, seal=True)
                chunk = None
            chunk = chunk or chunks.open(conn, domain, quota_day_id=day_id)
        # rows chunk.last_seq + 1 and on are written; the chunk's row: last_seq, sending_through, pending, suppressed,
        # reserved; no row of a chunk that `attempt_id` does not hold any more
        commit
        chunks.grown(chunk, rows=3, leaving=2, places=64)

    After a rollback it calls `unchanged`, and `lost` when nobody knows whether the commit happened.
    """

    def __init__(self, process: ProcessRow) -> None:
        self.process = process
        self._lock = threading.Lock()
        self._growing: dict[Lane, OpenChunk] = {}
        #: All that the sender has to close.
        self._open: set[OpenChunk] = set()
        self._occurrences: dict[Lane, tuple[int, int]] = {}
        #: Behind which a new chunk begins, as a lost commit may still happen.
        self._behind: dict[Lane, int] = {}

    def take(self, domain: str, *, rows: int, tracked: Tracking = UNTRACKED) -> OpenChunk | None:
        """Take the chunk that has room for as many rows, at most MOST_OF_CHUNK; None: a new one has to be opened."""
        with self._lock:
            chunk = self._growing.get((domain, tracked))
            if chunk is None or chunk.taken:
                return None
            if chunk.sealed or rows > chunk.room or feed_clock() >= chunk.day_ends:
                chunk.sealed = True
                del self._growing[domain, tracked]
                return None
            chunk.taken = True
            return chunk

    def open(self, conn: Connection, domain: str, *, quota_day_id: int, tracked: Tracking = UNTRACKED) -> OpenChunk:
        """Open a chunk in the caller's transaction, which holds the row of the quota day. It is taken."""
        process = self.process
        task_id, occurrence_id = self._occurrences.get((domain, tracked)) or self._occurrence(conn, domain, tracked)
        keys = {"occurrence_id": occurrence_id, "task_id": task_id, "quota_day_id": quota_day_id}
        behind = self._behind.get((domain, tracked), 0)
        made = open_chunks.open_chunk(conn, domain=domain, process=process, behind=behind, **keys)
        begun = attempts.begin(
            conn,
            chunk_id=made.id,
            run_id=process.run_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            edition=None,
            tracked=tracked,
        )
        last_seq = made.first_seq + MOST_OF_CHUNK - 1
        attempt = Attempt(
            id=begun.id,
            journal_id=begun.journal_id,
            chunk_id=made.id,
            run_id=process.run_id,
            first_seq=made.first_seq,
            last_seq=last_seq,
            sending_through=made.first_seq - 1,
            places=0,
            **keys,
        )
        day_ends = feed_clock() + open_chunks.seconds_left(conn, quota_day_id)
        journal = open_journal(begun.journal_id, first_seq=made.first_seq, last_seq=last_seq)
        return OpenChunk(
            attempt=attempt,
            domain=domain,
            tracked=tracked,
            journal=journal,
            day_ends=day_ends,
            last_seq=made.first_seq - 1,
            taken=True,
        )

    def _occurrence(self, conn: Connection, domain: str, tracked: Tracking) -> tuple[int, int]:
        task_id = open_chunks.ensure_task(conn, domain)
        process = self.process
        return task_id, open_chunks.ensure_occurrence(conn, task_id=task_id, process=process, tracked=tracked)

    def grown(self, chunk: OpenChunk, *, rows: int, leaving: int, places: int) -> None:
        """Note what the commit did: rows written, how many of them are given to the sender, places reserved."""
        with self._lock:
            attempt = chunk.attempt
            self._occurrences[chunk.lane] = (attempt.task_id, attempt.occurrence_id)
            chunk.last_seq += rows
            chunk.admitted += leaving
            chunk.places += places - leaving
            chunk.taken = False
            self._open.add(chunk)
            if chunk.attempt.run_id != self.process.run_id:
                chunk.sealed = True
            if not chunk.sealed:
                self._growing[chunk.lane] = chunk

    def unchanged(self, chunk: OpenChunk, *, seal: bool = False) -> None:
        """Note that the transaction was rolled back; `seal`: nothing comes into this chunk any more."""
        with self._lock:
            chunk.taken = False
            if seal:
                chunk.sealed = True
                self._growing.pop(chunk.lane, None)
            if chunk not in self._open and chunk.journal is not None:
                chunk.journal.close(keep=False)

    def lost(self, chunk: OpenChunk) -> None:
        """Note that nobody knows whether the commit happened: the chunk is closed by what the ledger has."""
        with self._lock:
            chunk.taken, chunk.sealed = False, True
            self._open.add(chunk)
            self._behind[chunk.lane] = chunk.attempt.last_seq
            if self._growing.get(chunk.lane) is chunk:
                del self._growing[chunk.lane]

    def renew(self, process: ProcessRow) -> None:
        """Begin anew as another process, because this one was taken for dead."""
        with self._lock:
            self.process = process
            for chunk in self._open:
                chunk.sealed = True
            self._growing.clear()
            self._occurrences.clear()
            self._behind.clear()

    def all(self) -> list[OpenChunk]:
        """All chunks that are not closed yet."""
        with self._lock:
            return list(self._open)

    def seal(self, chunk: OpenChunk) -> bool:
        """Have nothing more come into a chunk; False while a transaction is under way that makes it grow."""
        with self._lock:
            if chunk.taken:
                return False
            chunk.sealed = True
            if self._growing.get(chunk.lane) is chunk:
                del self._growing[chunk.lane]
            return True

    def closed(self, chunk: OpenChunk) -> None:
        """Forget a chunk that is closed."""
        with self._lock:
            self._open.discard(chunk)
