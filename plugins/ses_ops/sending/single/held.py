"""A chunk of single messages that this process holds: its messages under way, and those to be retried."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.domain.message_state import MessageState
from ses_ops.sending.chunk.deferred import LOST_CONNECTION_DELAY, RETRY_DELAYS, Deferrals
from ses_ops.sending.chunk.journal import JournalEntry

if TYPE_CHECKING:
    from ses_ops.sending.chunk.claim import Attempt
    from ses_ops.sending.chunk.journal import Journal
    from ses_ops.sending.single.open_chunk import Mail, OpenChunk
    from ses_ops.storage.ledger.batches import Written

#: Seconds after which a message is tried again that a relay did not get because it was unavailable.
AWAY_DELAY = 1.0
_order = count()


class Waiting(NamedTuple):
    """One recipient of a single message, on its way."""

    held: HeldChunk
    seq: int
    address: str
    #: The recipient's place in the message, from 0.
    place: int
    #: None: it is made anew of what is stored when its turn comes.
    mail: Mail | None
    #: The message had failed and a person asked for a retry.
    retried: bool = False


@dataclass(kw_only=True, eq=False, slots=True)
class HeldChunk:
    """One chunk, by the attempt of this process. It belongs to the event loop."""

    attempt: Attempt
    journal: Journal | None
    #: The moment of `feed_clock` from which on none of its messages begins.
    day_ends: float
    deferrals: Deferrals
    #: None: a chunk that was due for another try.
    open: OpenChunk | None = None
    #: Number of messages that acceptance has given over.
    added: int = 0
    #: Number of statements of the attempt that were committed, as the chunk counts them.
    steps: int = 0
    #: Messages whose mark is committed, and whose outcome is not.
    marked: dict[int, Waiting] = field(default_factory=dict)
    #: Outcomes that are not committed.
    done: deque[Written] = field(default_factory=deque)
    #: Hard bounces that are not on the suppression list: the server's words by place.
    bounced: dict[int, str] = field(default_factory=dict)
    #: A heap of messages without a mark: (moment of `time.monotonic`, order, message).
    waiting: list[tuple[float, int, Waiting]] = field(default_factory=list)
    #: Number of messages in `waiting` that have their mail in memory.
    kept: int = 0
    #: Places of those in `done` that were not begun, and lose their mark only to be marked again.
    put_off: set[int] = field(default_factory=set)
    #: Whether the database has lost commits of it: what it does not know is in the journal.
    behind: bool = False
    #: Whether another attempt has the chunk: nothing of it may be begun, nothing can be written.
    lost: bool = False
    #: Whether nothing of it may be begun any more: it is lost, or is being closed.
    over: bool = False
    #: Number of operations under way that have messages of it in hand: it is not closed meanwhile.
    in_hand: int = 0
    #: Whether the session of `Control` has the chunk's advisory lock.
    locked: bool = False
    #: Held while outcomes are written: what is in `done` is in the ledger when it is free.
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tried: dict[int, int] = field(default_factory=dict)
    #: The places of those in `waiting`.
    _waits: set[int] = field(default_factory=set)

    def note(self, seq: int, entry: int) -> None:
        """Write an entry of the journal."""
        if self.journal is not None:
            self.journal.write(seq, entry)

    def wait(self, message: Waiting, moment: float) -> None:
        """Have a message without a mark wait for another try until `moment`; once, however often it is called."""
        if message.seq in self._waits or message.seq in self.marked:
            return
        self._waits.add(message.seq)
        heapq.heappush(self.waiting, (moment, next(_order), message))
        self.kept += message.mail is not None

    def due(self, now: float, most: int) -> list[Waiting]:
        """At most `most` of the messages whose moment has come, taken out."""
        found: list[Waiting] = []
        while self.waiting and len(found) < most and self.waiting[0][0] <= now:
            message = heapq.heappop(self.waiting)[2]
            self._waits.discard(message.seq)
            self.kept -= message.mail is not None
            found.append(message)
        return found

    def written(self, entry: Written, *, now: float, relay_is_there: bool) -> None:
        """Note that an outcome is committed; a deferred message is retried, here or later."""
        message = self.marked.pop(entry.seq)
        if entry.state is not MessageState.REQUEUED:
            return
        self.note(entry.seq, JournalEntry.DEFERRED)
        if entry.seq in self.put_off:
            self.put_off.discard(entry.seq)
            self.wait(message, now if relay_is_there else now + AWAY_DELAY)
            return
        if entry.code is not None:
            self.deferrals.last_words = f"{entry.code} {entry.text}".strip()
        elif not relay_is_there:
            self.wait(message, now + AWAY_DELAY)
            return
        tried = self._tried[entry.seq] = self._tried.get(entry.seq, 0) + 1
        if tried <= len(RETRY_DELAYS):
            delay = RETRY_DELAYS[tried - 1] if entry.code is not None else LOST_CONNECTION_DELAY * tried
            self.wait(message, now + delay)

    @property
    def all_given(self) -> bool:
        """Whether acceptance has given over all that it put into the chunk."""
        return self.open is None or self.added >= self.open.admitted
