"""Posts to one endpoint: takes events as fast as the endpoint takes posts, with a few in reserve.

Each endpoint has its lane, so one that hangs holds up nobody else. A lane has at most three times its concurrency in
memory, however many events wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from ses_ops.application.callbacks.posting import UNWANTED, make_posts, outcome_of
from ses_ops.domain.callback_pace import EndpointPace
from ses_ops.errors import SesError
from ses_ops.storage.callbacks import waiting_posts
from ses_ops.storage.connection import StatementFailed
from ses_ops.web.guarded_post import Answer, NoAnswer

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.callbacks.ledger_thread import LedgerThread
    from ses_ops.application.callbacks.posting import Post
    from ses_ops.storage.callbacks.endpoints import ActiveEndpoint
    from ses_ops.storage.callbacks.waiting_posts import Ended, Failed
    from ses_ops.web.guarded_post import GuardedClient

log = logging.getLogger(__name__)

#: Seconds between two looks for events of an endpoint that has none, and while the database is unavailable.
IDLE, AWAY = 1.0, 3.0


class Office(Protocol):
    """What a lane tells of its posts."""

    def write(self, outcome: Ended | Failed) -> None:
        """Have an outcome written."""
        ...

    def note(self, lane: Lane, *, well: bool) -> None:
        """Note that an endpoint took a post, or has begun to fail."""
        ...

    def unwanted(self, lane: Lane, status: int) -> None:
        """Stop an endpoint that wants no more posts."""
        ...

    async def settled(self) -> None:
        """Wait until there is room for more outcomes."""
        ...


class Lane:
    """One endpoint's posts."""

    def __init__(
        self, endpoint: ActiveEndpoint, ledger: LedgerThread, client: GuardedClient, office: Office, *, lease: timedelta
    ) -> None:
        self.endpoint = endpoint
        self.pace = EndpointPace(
            concurrency=endpoint.concurrency,
            per_second=endpoint.per_second,
            failing=endpoint.failing_since is not None,
        )
        self._ledger, self._client, self._office, self._lease = ledger, client, office, lease
        self._ready: deque[Post] = deque()
        self._changed = asyncio.Event()
        self._posts: set[asyncio.Task[None]] = set()
        self.closed = False

    async def run(self) -> None:
        """Post until `close`; then give back what was not begun and wait for what was."""
        try:
            while not self.closed:
                try:
                    await self._turn()
                except (SesError, StatementFailed) as problem:
                    log.warning("endpoint %s waits for the database: %s", self.endpoint.name, problem)
                    await self._pause(AWAY)
                except Exception:
                    log.exception("endpoint %s: an unforeseen error", self.endpoint.name)
                    await self._pause(AWAY)
            await self._give_back()
            if self._posts:
                await asyncio.wait(self._posts)
        finally:
            await self._client.close()

    def close(self) -> None:
        """Begin no more posts."""
        self.closed = True
        self._changed.set()

    async def _turn(self) -> None:
        """Begin what may begin, and take more events when few are left."""
        free = self.pace.free(monotonic())
        while free and self._ready:
            self._begin(self._ready.popleft())
            free -= 1
        if self.pace.failing:
            await self._give_back()
        if len(self._ready) > self.endpoint.concurrency // 2 or (self.pace.failing and not free):
            await self._pause(self.pace.wait(monotonic()))
        elif await self._take(self._reserve()) == 0 and not self._ready:
            await self._pause(IDLE)
        elif not self._ready or not self.pace.free(monotonic()):
            await self._pause(self.pace.wait(monotonic()))

    def _reserve(self) -> int:
        """Number of events to take: never more than leave within seconds, because leases end."""
        return 1 if self.pace.failing else min(2 * self.endpoint.concurrency, 5 * self.endpoint.per_second)

    async def _take(self, limit: int) -> int:
        """Take events; returns the number of rows that the database looked at."""
        await self._office.settled()
        if self.closed:
            return 0
        posts, ended, looked_at = await self._ledger.call(_taken, self.endpoint, limit, self._lease)
        self._ready += posts
        for one in ended:
            self._office.write(one)
        return looked_at

    def _begin(self, post: Post) -> None:
        self.pace.begin()
        task = asyncio.get_running_loop().create_task(self._post(post))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, post: Post) -> None:
        try:
            answer = await self._client.post(self.endpoint.url, post.body, post.headers(self.endpoint))
        except Exception:  # a bug must not keep this post's place among those under way for ever
            log.exception("endpoint %s: an unforeseen error of a post", self.endpoint.name)
            answer = Answer(status=None, text=NoAnswer.BROKEN, took_ms=0)
        self._judge(answer)
        self._office.write(outcome_of(post.taken, answer))
        self._changed.set()

    def _judge(self, answer: Answer) -> None:
        if answer.taken:
            if self.pace.succeeded(monotonic()):
                log.info("endpoint %s takes posts again", self.endpoint.name)
            self._office.note(self, well=True)
            return
        chance = random.random()  # noqa: S311 - no secret
        if self.pace.failed(monotonic(), asked_for=answer.retry_after, chance=chance):
            log.warning("endpoint %s fails: %s", self.endpoint.name, answer.status or answer.text)
            self._office.note(self, well=False)
        if answer.status in UNWANTED:
            assert answer.status is not None
            self.close()
            self._office.unwanted(self, answer.status)

    async def _give_back(self) -> None:
        if not self._ready:
            return
        taken = [post.taken for post in self._ready]
        self._ready.clear()
        with suppress(SesError, StatementFailed):  # their leases end by themselves
            await self._ledger.call(waiting_posts.give_back, taken)

    async def _pause(self, seconds: float) -> None:
        self._changed.clear()
        if self.closed:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)


def _taken(
    conn: Connection, endpoint: ActiveEndpoint, limit: int, lease: timedelta
) -> tuple[list[Post], list[Ended], int]:
    taken, looked_at = waiting_posts.claim(conn, endpoint_id=endpoint.id, limit=limit, lease=lease)
    posts, ended = make_posts(conn, endpoint, taken) if taken else ([], [])
    return posts, ended, looked_at
