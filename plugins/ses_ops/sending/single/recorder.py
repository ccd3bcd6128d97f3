"""The recorder of single messages: writes outcomes in groups, and marks what is tried again."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import (
    AttemptSuperseded,
    DatabaseUnavailable,
    InvalidInput,
    LedgerBehind,
    NotFound,
    SesError,
    TemplateError,
)
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.single.bounces import BouncesOfProcess
from ses_ops.storage.ledger.batches import Written

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from ses_ops.sending.single.held import HeldChunk, Waiting
    from ses_ops.sending.single.ledger import SingleLedger
    from ses_ops.sending.single.open_chunk import Mail
    from ses_ops.sending.single.work import Work
    from ses_ops.storage.single_messages.retries import StoredRow

    Result = TypeVar("Result")

_log = logging.getLogger(__name__)

#: Largest number of messages that are marked for more than CROWDED_FOR seconds without being begun: the number that a
#: lost machine leaves in doubt. The newest lose their mark, and get it back when it is their turn.
MOST_MARKED = 256
CROWDED_FOR = 1.0
#: Number of messages that wait for another try with their mail in memory; others are read from the ledger again.
MOST_KEPT = 4_096
#: Largest number of outcomes in one commit.
MOST_OUTCOMES = 500
#: Number of outcomes that are worth a commit, and seconds that fewer wait for more.
BATCH, LINGER = 64, 0.02
#: Seconds between two turns while nothing happens, and between two tries to reach the database.
PAUSE, DATABASE_PAUSE = 0.1, 0.5
#: Seconds after which messages are tried again that met an unforeseen error before they were marked.
AFTER_A_BUG = 30.0


class Recorder:
    """Writes what became of messages. It belongs to the event loop."""

    def __init__(self, work: Work, ledger: SingleLedger, remake: Callable[[bytes], Mail]) -> None:
        self._work = work
        self._ledger = ledger
        self._remake = remake
        self._bounces = BouncesOfProcess()
        self._awake = asyncio.Event()
        self._crowded_since: float | None = None
        #: Why the ledger cannot be written; None while it can.
        self.problem: DatabaseUnavailable | None = None
        self._over = False

    def wake(self) -> None:
        """There is something to write."""
        self._awake.set()

    def end(self) -> None:
        """Have `run` return; it does not wait for an unavailable database."""
        self._over = True
        self._awake.set()

    async def run(self) -> None:
        """Write until `end`."""
        while not self._over:
            try:
                await self._turn()
                await self._rest()
            except DatabaseUnavailable:
                if self._over:
                    return
            except Exception:  # a bug must not keep the outcomes of other messages from the ledger
                _log.exception("outcomes of single messages are not written yet")
                await asyncio.sleep(DATABASE_PAUSE)

    async def _turn(self) -> None:
        self._thin_out()
        for held in list(self._work.held.values()):
            while held.done and not held.lost:
                await self.write(held)
        await self._mark_again()

    async def _rest(self) -> None:
        """Wait for something to write, and a moment for more of it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self._awake.wait()
                self._awake.clear()
                if not self._over and self._work.undone() < BATCH:
                    await asyncio.sleep(LINGER)

    async def insist(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """The result of a call that waits for an unavailable database. Raises DatabaseUnavailable after `end`."""
        while True:
            try:
                result = await call()
            except DatabaseUnavailable as problem:
                if self.problem is None:
                    _log.warning("outcomes of single messages wait for the database: %s", problem)
                self.problem = problem
                if self._over:
                    raise
                await asyncio.sleep(DATABASE_PAUSE)
            else:
                self.problem = None
                return result

    async def write(self, held: HeldChunk) -> None:
        """Write outcomes of a chunk."""
        async with held.writing:
            await self._write(held)

    async def _write(self, held: HeldChunk) -> None:
        outcomes = held.deferrals.judge([held.done[place] for place in range(min(len(held.done), MOST_OUTCOMES))])
        self._bounces.count_in(held, outcomes)
        bounced = self._work.bounces_to_suppress(held, self._bounces)
        try:
            await self.insist(lambda: self._ledger.write(held, outcomes, bounced))
        except (AttemptSuperseded, LedgerBehind) as problem:
            self._work.lose(held, problem)
            return
        now, there = time.monotonic(), self._work.relay.there
        for _ in outcomes:
            held.done.popleft()
        for seq in bounced:
            held.bounced.pop(seq, None)
        for entry in outcomes:
            held.written(entry, now=now, relay_is_there=there)
        if deferred := [entry.seq for entry in outcomes if entry.state is MessageState.REQUEUED and entry.code]:
            # If that gets lost, the time begins with the next deferral.
            with suppress(DatabaseUnavailable):
                await self._ledger.note_deferred(held, deferred)

    # --- messages without a mark

    def _thin_out(self) -> None:
        """Take the mark from messages that will not be begun soon."""
        ready, now = self._work.feed.ready, time.monotonic()
        most = self._work.relay.room(MOST_MARKED)
        if len(ready) <= most:
            self._crowded_since = None
            return
        if self._crowded_since is None:
            self._crowded_since = now
        if self._work.relay.there and now - self._crowded_since < CROWDED_FOR:
            return
        why = self._work.why_it_waits()
        kept = sum(held.kept for held in self._work.held.values())
        for _ in range(len(ready) - most):
            message = ready.pop()
            if message.held.over:
                continue
            kept += 1
            if kept > MOST_KEPT:
                message.held.marked[message.seq] = message._replace(mail=None)
            self._work.feed.put_off(message, why)

    async def _mark_again(self) -> None:
        """Mark messages whose time for another try has come."""
        work = self._work
        room = work.relay.room(MOST_MARKED) - work.marked()
        if room <= (MOST_MARKED // 2 if work.relay.there else 0) or work.stopping:
            return
        for held in list(work.held.values()):
            if held.over or feed_clock() >= held.day_ends or room <= 0:
                continue
            if due := held.due(time.monotonic(), room):
                room -= len(due)
                held.in_hand += 1
                try:
                    await self._mark_of(held, due)
                finally:
                    held.in_hand -= 1

    async def _mark_of(self, held: HeldChunk, due: list[Waiting]) -> None:
        try:
            messages = await self._with_mail(held, due)
            marketing = [message.mail is not None and message.mail.is_marketing for message in messages]
            marked = await self.insist(lambda: self._ledger.mark_again(held, messages, marketing)) if messages else []
        except (AttemptSuperseded, LedgerBehind) as problem:
            self._work.lose(held, problem)
            return
        except Exception:  # they are taken out of those that wait; those that are marked by now are left out
            for message in due:
                held.wait(message, time.monotonic() + AFTER_A_BUG)
            raise
        chosen = set(marked)
        for message in messages:
            if message.seq in chosen:
                held.marked[message.seq] = message
                self._work.feed.ready.append(message)
        self._work.wake_transport()

    async def _with_mail(self, held: HeldChunk, due: list[Waiting]) -> list[Waiting]:
        """The same messages with their mail, made anew where it is not in memory; without those that cannot be made."""
        there = [message for message in due if message.mail is not None]
        missing = {message.seq: message for message in due if message.mail is None}
        if not missing:
            return there
        found = await self.insist(lambda: self._ledger.content_of(held, list(missing)))
        made = await self.insist(lambda: asyncio.to_thread(self._made_anew, found))
        for seq, message in missing.items():
            place, mail = made.get(seq, (0, InvalidInput("content_not_kept")))
            if isinstance(mail, SesError):
                held.marked[seq] = message
                why = " ".join(f"{mail}".split())[:400]
                held.done.append(Written(seq, MessageState.FAILED, None, f"not sent: {why}", 0))
            elif mail is None:
                held.wait(message, time.monotonic() + AFTER_A_BUG)
            else:
                there.append(message._replace(place=place, mail=mail))
        if held.done:
            self.wake()
        return there

    def _made_anew(self, rows: list[StoredRow]) -> dict[int, tuple[int, Mail | SesError | None]]:
        """Place and mail of each row by its number; or why there is none, or None to try it again later.

        In a thread, as templates may be read. Raises DatabaseUnavailable.
        """
        by_message: dict[str, Mail | SesError | None] = {}
        for row in rows:
            if row.content is not None and row.message_id not in by_message:
                try:
                    by_message[row.message_id] = self._remake(row.content)
                except (InvalidInput, TemplateError, NotFound) as problem:
                    by_message[row.message_id] = problem
                except DatabaseUnavailable:
                    raise
                except Exception:  # a bug, or settings that are wrong for a while, must not hold up the others
                    _log.exception("single message %s cannot be made anew yet", row.message_id)
                    by_message[row.message_id] = None
        return {row.seq: (row.place, by_message[row.message_id]) for row in rows if row.content is not None}
