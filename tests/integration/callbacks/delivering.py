"""A deliverer in a thread, for the tests of callbacks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from ses_ops.application.callbacks.deliverer import Deliverer
from ses_ops.application.callbacks.endpoint_decisions import NewEndpoint, SecretMade, add
from ses_ops.application.ports import Actor
from ses_ops.domain.callback_target import parse_networks

LOOPBACK = parse_networks("127.0.0.0/8", where="the test")
SOMEBODY = Actor(name="somebody")


def endpoint(world: Any, url: str, *, name: str = "hook", **more: Any) -> SecretMade:
    return add(world.conn, SOMEBODY, NewEndpoint(name=name, url=url, **more), allowed=LOOPBACK)


@contextmanager
def deliverer(dsn: str, *, lease: float = 20, **more: Any) -> Iterator[Deliverer]:
    """A deliverer that posts until the end of the `with`."""
    loop, stop, made = asyncio.new_event_loop(), asyncio.Event(), Deliverer.__new__(Deliverer)
    more.setdefault("allowed", LOOPBACK)
    made.__init__(dsn, lease=timedelta(seconds=lease), **more)  # type: ignore[misc]

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(made.run(stop))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        assert not thread.is_alive(), "the deliverer does not end"


def until(holds: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def waiting(world: Any) -> int:
    return int(world.rows("SELECT count(*) FROM callback_waiting")[0][0])


def all_due(world: Any) -> None:
    """The time of the next try of everything that waits comes now."""
    with world.conn, world.conn.cursor() as cursor:
        cursor.execute("UPDATE callback_waiting SET next_at = now()")
