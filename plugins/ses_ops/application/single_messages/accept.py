"""The acceptance of single messages: in the ledger, on disk, before the answer.

All that is asked for while one transaction is written becomes the next one, so that many requests share a commit. One
thread with a connection of its own does it, beside the event loop that serves requests and sends mail.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from ses_ops.application.single_messages.commit_group import GroupCommit
from ses_ops.application.single_messages.orders import AcceptanceLimits, Refused
from ses_ops.application.single_messages.placing import Placing
from ses_ops.errors import DatabaseUnavailable, NotAccepted, NotSetUp
from ses_ops.sending.home import HomeCheck
from ses_ops.sending.single.places import Blocks
from ses_ops.storage.connection import KEY_LOOKUPS, ValueRefused, connect, transaction
from ses_ops.storage.single_messages import accepting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.orders import Answer, Order
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.errors import SesError
    from ses_ops.sending.single.open_chunk import Admitted, OpenChunks

log = logging.getLogger(__name__)

#: Largest number of orders of one transaction; an order has at most some hundred recipients.
MOST_ORDERS = 256
#: Seconds until a group is looked at again that only waits for equal requests of another process.
EQUAL_REQUEST = 0.005
#: Seconds for which a lost commit is looked for: its session may still be at it.
FINDING_OUT = 5
CONNECT_TIMEOUT = 3
#: Milliseconds for which a transaction waits for the row of a quota day, which bulk mail holds while it reserves. Then
#: the requests fail, rather than hang with all that come after them.
LOCK_TIMEOUT = 5_000
#: Seconds for which a failure is said of acceptance where nothing is asked for after it.
PROBLEM_FOR = 10.0


class Acceptor:
    """Accepts single messages. `started` is called in the event loop with the recipients whose mail may leave now."""

    def __init__(
        self,
        dsn: str,
        *,
        chunks: OpenChunks,
        plans: Callable[[], QuotaPlans],
        started: Callable[[Sequence[Admitted]], None],
        limits: AcceptanceLimits | None = None,
    ) -> None:
        self._dsn = dsn
        self._chunks = chunks
        self._plans = plans
        self._started = started
        self._limits = limits or AcceptanceLimits()
        self._blocks = Blocks()
        self._home = HomeCheck()
        self._asked: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._conn: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: tuple[SesError, float] | None = None
        self._thread = threading.Thread(target=self._run, name="acceptance", daemon=True)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def accept(self, orders: Sequence[Order]) -> list[Answer]:
        """Accept orders, those of one request or of one batch; each is accepted or refused for itself, in their order.

        Accepted ones are on disk. Whoever stops waiting stops nothing. Raises DatabaseUnavailable: nobody knows then
        what was written, and a request with a key of its own may be repeated.
        """
        assert self._loop is not None
        call = _Call(orders, self._loop.create_future())
        self._asked.put(call)
        return await call.future

    @property
    def problem(self) -> SesError | None:
        """Why nothing could be accepted a moment ago; None where the newest request could be judged."""
        failed = self._failed
        return failed[0] if failed is not None and time.monotonic() - failed[1] < PROBLEM_FOR else None

    async def stop(self) -> None:
        """Let the transaction under way end; the requests behind it raise DatabaseUnavailable."""
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        waiting: deque[tuple[_Call, int]] = deque()
        more = True
        progress = True
        while more:
            more = self._gather(waiting, block=None if not waiting else 0 if progress else EQUAL_REQUEST)
            group = [waiting.popleft() for _ in range(min(MOST_ORDERS, len(waiting)))]
            if not group:
                continue
            answers, admitted = self._try(group)
            progress = any(answer is not None for answer in answers)
            finished = []
            for (call, place), answer in zip(group, answers, strict=True):
                if answer is None:
                    waiting.append((call, place))
                elif call.answer(place, answer):
                    finished.append(call)
            self._tell(admitted, finished)
        gone = DatabaseUnavailable("acceptance_stopped")
        self._tell([], [call for call, place in waiting if call.answer(place, gone)])
        if self._conn is not None:
            self._conn.close()

    def _gather(self, waiting: deque[tuple[_Call, int]], *, block: float | None) -> bool:
        """Take what was asked for since; False: acceptance ends. `block`: seconds to wait for more; None: for ever."""
        try:
            while True:
                call = self._asked.get(block != 0, block or None)
                if call is None:
                    return False
                waiting.extend((call, place) for place in range(len(call.orders)))
                block = 0
                if len(waiting) >= MOST_ORDERS:
                    return True
        except queue.Empty:
            return True

    def _try(self, group: Sequence[tuple[_Call, int]]) -> tuple[list[Answer | Exception | None], list[Admitted]]:
        orders = [call.orders[place] for call, place in group]
        try:
            done = self._commit(orders)
            self._failed = None
            return done
        except (DatabaseUnavailable, NotSetUp) as problem:
            self._failed = (problem, time.monotonic())
            return [problem] * len(orders), []
        except Exception as problem:
            if len(orders) > 1:  # one of them must not spoil the others
                each = [self._try([one]) for one in group]
                return [one[0][0] for one in each], [recipient for one in each for recipient in one[1]]
            if isinstance(problem, (ValueError, *ValueRefused)):
                cause = str(problem).partition("\n")[0]
                return [Refused(NotAccepted("single_message_not_storable", cause=cause))], []
            log.exception("a single message cannot be accepted")
            return [problem], []

    def _commit(
        self, orders: Sequence[Order], *, again: bool = True
    ) -> tuple[list[Answer | Exception | None], list[Admitted]]:
        conn = self._connected()
        try:
            self._home.check(conn)
        except DatabaseUnavailable:
            # After a restart of PostgreSQL the connection is known to be lost only when it is used.
            if not (conn.closed and again):
                raise
            return self._commit(orders, again=False)
        placing = Placing(conn, self._chunks, self._blocks)
        group = GroupCommit(conn, orders, placing=placing, plans=self._plans(), limits=self._limits)
        try:
            group.commit()
        except DatabaseUnavailable:
            lost = bool(conn.closed)
            if not self._was_committed(group):
                if lost and again:
                    return self._commit(orders, again=False)
                raise
        except BaseException:
            placing.roll_back()
            raise
        return list(group.answers), placing.admitted

    def _connected(self) -> Connection:
        """The connection, made anew when it was lost. Raises DatabaseUnavailable."""
        if self._conn is None or self._conn.closed:
            options = f"{KEY_LOOKUPS} -c lock_timeout={LOCK_TIMEOUT}"
            conn = connect(
                self._dsn, application="ses-ops acceptance", options=options, connect_timeout=CONNECT_TIMEOUT
            )
            try:
                with transaction(conn):
                    accepting.prepare(conn)
            except BaseException:
                conn.close()
                raise
            self._conn = conn
            self._home.forget()
        return self._conn

    def _was_committed(self, group: GroupCommit) -> bool:
        """Whether the commit happened whose answer was lost. Raises DatabaseUnavailable when nobody knows."""
        if self._conn is not None:
            self._conn.close()
        try:
            conn = self._connected()
            with transaction(conn):
                accepting.wait_at_most(conn, seconds=FINDING_OUT)
                accepting.take_process(conn, self._chunks.process.id)
                happened = accepting.written(conn, group.messages)
        except BaseException as problem:
            group.placing.lose()
            if isinstance(problem, DatabaseUnavailable):
                raise
            raise DatabaseUnavailable("database_failed", cause=problem) from problem
        if happened:
            group.placing.commit()
        else:
            group.placing.roll_back()
        return happened

    def _tell(self, admitted: Sequence[Admitted], finished: Sequence[_Call]) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._told, admitted, finished)
        except RuntimeError:  # the loop is closed: what was accepted is in the ledger
            log.warning("the service ended before %d accepted messages were sent", len(admitted))

    def _told(self, admitted: Sequence[Admitted], finished: Sequence[_Call]) -> None:
        if admitted:
            self._started(admitted)
        for call in finished:
            call.finish()


class _Call:
    """What one request asks for."""

    __slots__ = ("_answers", "_left", "future", "orders")

    def __init__(self, orders: Sequence[Order], future: asyncio.Future[list[Answer]]) -> None:
        self.orders = orders
        self.future = future
        self._answers: list[Answer | Exception | None] = [None] * len(orders)
        self._left = len(orders)

    def answer(self, place: int, answer: Answer | Exception) -> bool:
        """Note the answer to one order; whether that was the last."""
        self._answers[place] = answer
        self._left -= 1
        return not self._left

    def finish(self) -> None:
        """Give the answers to whoever still waits for them."""
        if self.future.done():
            return
        failed = next((one for one in self._answers if isinstance(one, Exception)), None)
        if failed is not None:
            self.future.set_exception(failed)
        else:
            self.future.set_result(self._answers)  # type: ignore[arg-type]
