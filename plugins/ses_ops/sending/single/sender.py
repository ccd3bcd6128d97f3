"""The sender of single messages: runs in an event loop beside whatever accepts them, while its process lives."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ses_ops.errors import DatabaseUnavailable, Explanation, SesError, TransportUnavailable
from ses_ops.sending.single.control import Control
from ses_ops.sending.single.duties import Duties
from ses_ops.sending.single.ledger import SingleLedger
from ses_ops.sending.single.open_chunk import OpenChunks
from ses_ops.sending.single.recorder import Recorder
from ses_ops.sending.single.refused import requeue_refused
from ses_ops.sending.single.work import Work
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import processes
from ses_ops.transports.errors import MailRefused
from ses_ops.transports.smtp.kept_transport import KeptTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.sending.single.open_chunk import Admitted, Mail
    from ses_ops.transports.smtp.settings import SmtpSettings

_log = logging.getLogger(__name__)

#: Seconds between two looks at the settings of the mail server.
SETTINGS_EVERY = 2.0
#: Seconds between two tries to requeue what a server refused that refuses all mail.
REQUEUE_EVERY = 1.0
#: Connections that are open without mail: a relay that limits them must not have given all to bulk mail.
KEPT = 1
#: Of the seconds for a stop, the part that is left for the ledger after the mail server had its part.
LEDGER_PART = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderHealth:
    """How the sender is."""

    #: Why mail does not leave; None while nothing is known against it.
    relay_problem: SesError | None
    #: Why outcomes or heartbeats cannot be written; None while they can.
    database_problem: SesError | None
    #: Number of messages that are marked and have no outcome in the ledger.
    under_way: int
    #: Number of messages that wait for another try in this process.
    waiting: int


class SingleMailSender:
    """Sends single messages: what acceptance gives, what is due for another try, and what dead processes left.

    `begin` may be called in any thread; `start`, `add`, `health` and `stop` belong to one event loop. `smtp` and
    `plans` are asked again and again, and may raise SesError; `remake` makes a message anew of what is stored of it
    (SingleMessage.stored), and raises TemplateError or InvalidInput when that is impossible.
    """

    def __init__(
        self,
        dsn: str,
        *,
        smtp: Callable[[], SmtpSettings],
        plans: Callable[[], QuotaPlans],
        remake: Callable[[bytes], Mail],
    ) -> None:
        self._smtp = smtp
        self._plans = plans
        self._control = Control(dsn)
        self._ledger = SingleLedger(dsn, self._control)
        self._work = Work()
        self._recorder = Recorder(self._work, self._ledger, remake)
        self._work.feed.on_done = self._recorder.wake
        self._duties: Duties
        self._stop_mail = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._mail: asyncio.Task[None]

    def begin(self) -> OpenChunks:
        """Write this process down. Returns where acceptance puts messages. Raises DatabaseUnavailable."""
        chunks = OpenChunks(self._control.begin())
        self._duties = Duties(self._work, self._ledger, self._recorder, self._control, chunks, self._plans)
        return chunks

    def start(self) -> None:
        """Begin to send, in the running event loop."""
        loop = asyncio.get_running_loop()
        self._mail = loop.create_task(self._keep_transport())
        self._tasks = [
            loop.create_task(self._recorder.run()),
            loop.create_task(self._duties.run()),
            loop.create_task(self._watch_settings()),
        ]

    def add(self, admitted: Sequence[Admitted]) -> None:
        """Send recipients of accepted messages, whose rows are committed and marked."""
        self._work.add(admitted)

    def health(self) -> SenderHealth:
        """How the sender is now."""
        work = self._work
        return SenderHealth(
            relay_problem=work.relay.why_not,
            database_problem=self._recorder.problem or self._duties.problem,
            under_way=work.marked(),
            waiting=work.waiting(),
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, nothing waits in this process, and nothing was due at the last look."""
        return not self._work.marked() and not self._work.waiting() and self._duties.nothing_due

    # --- the mail server

    async def _keep_transport(self) -> None:
        """Have a transport, one after another, until the stop."""
        work = self._work
        while not work.stopping:
            pause = 0.0
            try:
                await self._transport_once()
            except SesError as problem:
                pause = work.relay.failed(problem)
                _log.warning("single messages wait for the mail server: %s", problem)
                if isinstance(problem, MailRefused):
                    await self._requeue(problem)
            except Exception as bug:  # it must not end the sending for ever
                _log.exception("the transport of single messages failed")
                pause = work.relay.failed(TransportUnavailable("transport_failed", kind=type(bug).__name__))
            self._recorder.wake()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stop_mail.wait()

    async def _requeue(self, problem: MailRefused) -> None:
        """Have the refused messages wait, which have failed otherwise; whatever is in the way, it is tried again."""
        while True:
            try:
                return await self._recorder.insist(partial(requeue_refused, self._control, self._work, problem))
            except Exception:
                _log.exception("messages of a server that refuses all mail are not requeued yet")
                if self._work.stopping:
                    return None
                await asyncio.sleep(REQUEUE_EVERY)

    async def _transport_once(self) -> None:
        work = self._work
        settings = self._smtp()
        transport = KeptTransport(settings, kept=KEPT)
        if settings.max_messages_per_second is not None:
            transport.set_rate(settings.max_messages_per_second / max(1, self._duties.living))
        work.settings, work.transport, work.relay.running = settings, transport, True
        self._recorder.wake()
        try:
            await transport.run(work.feed)
        finally:
            work.transport, work.relay.running = None, False

    async def _watch_settings(self) -> None:
        """End a transport whose settings are not those of the mail server any more."""
        while True:
            await asyncio.sleep(SETTINGS_EVERY)
            try:
                if self._work.transport is not None and self._smtp() != self._work.settings:
                    self._work.transport.stop()
            except SesError:
                pass  # while they cannot be read, the former ones hold
            except Exception:  # a bug must not end the watch for ever
                _log.exception("the settings of the mail server cannot be looked at")

    # --- the end

    async def stop(self, within: float = 5.0) -> None:
        """End what has begun and give back the rest, in at most `within` seconds; nothing may be added any more.

        What is not finished by then is settled by whoever takes over, by the journal.
        """
        deadline = time.monotonic() + within
        self._work.stopping = True
        self._stop_mail.set()
        if self._work.transport is not None:
            self._work.transport.stop()
        done, _ = await asyncio.wait([self._mail], timeout=within * (1 - LEDGER_PART))
        if not done:
            self._mail.cancel()
            await asyncio.wait([self._mail])
        why = Explanation("stopped_before_it_was_begun").sentence
        while self._work.feed.ready:
            self._work.feed.put_off(self._work.feed.ready.popleft(), why)
        with suppress(TimeoutError, DatabaseUnavailable):
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                await self._close_all()
        self._recorder.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ledger.close()
        await self._control.close()

    async def _close_all(self) -> None:
        """Write all outcomes, close all chunks, and say that this process has ended."""
        while self._work.held:
            self._recorder.wake()
            await asyncio.sleep(0.02)
        process = self._control.process
        assert process is not None

        def end(conn) -> None:  # type: ignore[no-untyped-def]
            with transaction(conn):
                processes.end(conn, process)

        await self._control.do(end)
