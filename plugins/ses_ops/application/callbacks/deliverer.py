"""The deliverer: posts events to all endpoints until it is asked to end.

Any number of deliverers may run. What one of them has taken when it dies is posted again by another when the lease is
over: at least once, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ses_ops.application.callbacks.lane import Lane
from ses_ops.application.callbacks.ledger_thread import LedgerThread
from ses_ops.application.callbacks.outcomes import Outcomes
from ses_ops.application.callbacks.stopping import stop_failing, stop_unwanted
from ses_ops.application.ports import Actor
from ses_ops.domain.callback import KEPT_DAYS, STOP_AFTER_DAYS
from ses_ops.errors import SesError
from ses_ops.storage.callbacks import deliveries, endpoints, waiting_posts
from ses_ops.storage.connection import StatementFailed
from ses_ops.web.guarded_post import GuardedClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from ses_ops.domain.callback_target import Network
    from ses_ops.storage.callbacks.endpoints import ActiveEndpoint
    from ses_ops.storage.callbacks.waiting_posts import Ended, Failed
    from ses_ops.web.guarded_post import Resolver

log = logging.getLogger(__name__)

#: How long an event belongs to the deliverer that took it: longer than it waits in reserve and is then posted.
LEASE = timedelta(seconds=60)
#: Seconds between two looks at the endpoints, two signs of life, and two looks for what is too old.
LOOK, BEAT, CLEAN = 2.0, 10.0, 60.0
#: Seconds between two writes of outcomes.
WRITE = 0.05
#: Seconds within which a deliverer ends. A post takes ten at most; Docker kills after 20 (docker-compose.yaml).
ENDS_WITHIN = 15.0
#: Seconds after which the last success of an endpoint is written again.
_SUCCESS_EVERY = 10.0
#: Waiting events that expire in one transaction.
_EXPIRED_AT_ONCE = 5_000


class Deliverer:
    """Posts events to all endpoints."""

    def __init__(
        self,
        dsn: str,
        *,
        allowed: Sequence[Network] = (),
        actor: Actor | None = None,
        resolve: Resolver | None = None,
        lease: timedelta = LEASE,
        after_stop: Callable[[], object] | None = None,
    ) -> None:
        """`after_stop` is called in a thread when an endpoint was stopped, to write the audit log, say."""
        self.name, self._host = f"{socket.gethostname()} {os.getpid()} {uuid4().hex[:8]}", socket.gethostname()
        self._ledger = LedgerThread(dsn)
        self._allowed, self._resolve, self._lease = allowed, resolve, lease
        self._actor = actor or Actor(name="callback deliverer")
        self._after_stop = after_stop
        self._lanes: dict[int, Lane] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._outcomes = Outcomes(self._ledger)
        self._noted: dict[int, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, *, within: float = ENDS_WITHIN) -> bool:
        """Post until `stop`; then end what was begun. False: it did not end `within` some seconds, and is left."""
        work = asyncio.create_task(self._work(stop))
        await stop.wait()
        self._close_lanes()
        await asyncio.wait({work}, timeout=within)
        if count := self._outcomes.count:
            log.warning("%s outcomes of callbacks are not written; their events are posted again", count)
        if work.done():
            work.result()
        return work.done()

    async def _work(self, stop: asyncio.Event) -> None:
        all_judged = asyncio.Event()
        writer = asyncio.create_task(self._every(WRITE, self._outcomes.flush, all_judged))
        duties = [
            asyncio.create_task(self._every(LOOK, self._look, stop)),
            asyncio.create_task(self._every(BEAT, self._beat, stop)),
            asyncio.create_task(self._every(CLEAN, lambda: self._clean(stop), stop)),
        ]
        # Nothing is cancelled: what a cancelled call has handed to the ledger's thread may never be begun there.
        await asyncio.gather(*duties)
        self._close_lanes()
        await asyncio.gather(*self._running.values(), *self._notes, return_exceptions=True)
        all_judged.set()
        await writer
        await self._outcomes.flush()
        await self._quietly(endpoints.forget_deliverers, name=self.name)
        self._ledger.close()

    def _close_lanes(self) -> None:
        self._outcomes.end()
        for lane in self._lanes.values():
            lane.close()

    # What lanes tell.

    def write(self, outcome: Ended | Failed) -> None:
        """Have an outcome written, within WRITE seconds."""
        self._outcomes.add(outcome)

    async def settled(self) -> None:
        """See `Outcomes.settled`."""
        await self._outcomes.settled()

    def note(self, lane: Lane, *, well: bool) -> None:
        """Write the state of an endpoint: failures when they begin, success now and then."""
        last, now = self._noted.get(lane.endpoint.id), monotonic()
        if well and last is not None and now - last < _SUCCESS_EVERY:
            return
        self._noted.pop(lane.endpoint.id, None)
        if well:
            self._noted[lane.endpoint.id] = now
        function = endpoints.note_success if well else endpoints.note_failing
        self._soon(self._quietly(function, lane.endpoint.id))

    def unwanted(self, lane: Lane, status: int) -> None:
        """Stop an endpoint that said that it wants no more posts."""
        self._soon(self._stop(lane.endpoint, status=status))

    # Duties.

    async def _look(self) -> None:
        """Begin lanes of new endpoints, end those of endpoints that are not posted to any more."""
        found = {one.id: one for one in await self._ledger.call(endpoints.active, stop_after_days=STOP_AFTER_DAYS)}
        for one in [one for one in found.values() if one.failing_too_long]:
            await self._stop(one)
            del found[one.id]
        for number, lane in list(self._lanes.items()):
            if number in found and not lane.closed:
                lane.endpoint = found[number]  # its secrets may be others now
            elif self._running[number].done():
                del self._lanes[number], self._running[number]
            else:
                lane.close()
        for number in found.keys() - self._lanes.keys():
            self._lanes[number] = lane = self._new_lane(found[number])
            self._running[number] = asyncio.create_task(lane.run())

    def _new_lane(self, endpoint: ActiveEndpoint) -> Lane:
        client = GuardedClient(connections=endpoint.concurrency, allowed=self._allowed, resolve=self._resolve)
        return Lane(endpoint, self._ledger, client, self, lease=self._lease)

    async def _beat(self) -> None:
        await self._ledger.call(endpoints.beat, name=self.name, host=self._host)

    async def _clean(self, stop: asyncio.Event) -> None:
        await self._ledger.call(deliveries.keep_days, days=KEPT_DAYS)
        expired = _EXPIRED_AT_ONCE
        while expired == _EXPIRED_AT_ONCE and not stop.is_set():
            expired = await self._ledger.call(waiting_posts.expire, days=KEPT_DAYS, limit=_EXPIRED_AT_ONCE)

    async def _every(self, seconds: float, duty: Callable[[], Awaitable[None]], over: asyncio.Event) -> None:
        """Do a duty now and every so many seconds, until `over`; one that has begun is ended."""
        while not over.is_set():
            try:
                await duty()
            except (SesError, StatementFailed) as problem:
                log.warning("callbacks wait for the database: %s", problem)
            except Exception:
                log.exception("an unforeseen error of the callback deliverer")
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), seconds)

    async def _stop(self, endpoint: ActiveEndpoint, *, status: int | None = None) -> None:
        if status is not None:
            stopped = await self._stopped(stop_unwanted, self._actor, endpoint, status=status)
        else:
            stopped = await self._stopped(stop_failing, self._actor, endpoint, days=STOP_AFTER_DAYS)
        if stopped:
            why = f"it answered {status}" if status else f"it has failed for {STOP_AFTER_DAYS} days"
            log.warning("endpoint %s is stopped: %s; resume it when it is well", endpoint.name, why)
            if self._after_stop is not None:
                await asyncio.to_thread(self._after_stop)

    # The ledger.

    def _soon(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _quietly(self, function: Callable[..., Any], *args: Any, **named: Any) -> None:
        try:
            await self._ledger.call(function, *args, **named)
        except (SesError, StatementFailed) as problem:
            log.warning("a note of a callback endpoint was not written: %s", problem)

    async def _stopped(self, function: Callable[..., bool], *args: Any, **named: Any) -> bool:
        try:
            return await self._ledger.call_uncommitted(function, *args, **named)
        except (SesError, StatementFailed) as problem:
            log.warning("an endpoint was not stopped: %s", problem)
            return False
