"""The process of `ses deliver callbacks`: posts until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING

from ses_ops.application.callbacks.deliverer import Deliverer
from ses_ops.storage.callbacks.endpoints import deliverers_alive
from ses_ops.storage.connection import connected, transaction
from ses_ops.web.fault_log import log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ses_ops.application.ports import Actor
    from ses_ops.domain.callback_target import Network


def deliver(
    *, dsn: str, allowed: Sequence[Network], actor: Actor, after_stop: Callable[[], object] | None = None
) -> None:
    """Post events until SIGINT or SIGTERM; what was begun by then ends, if that is a matter of seconds."""
    log_to_stderr()
    logging.getLogger("httpcore").setLevel(logging.WARNING)  # it would log addresses, which may have secrets in them
    asyncio.run(_deliver(Deliverer(dsn, allowed=allowed, actor=actor, after_stop=after_stop)))


def is_alive(dsn: str) -> bool:
    """Whether a deliverer of this host was alive within a minute. Raises DatabaseUnavailable."""
    with connected(dsn, application="ses deliver callbacks --check") as conn, transaction(conn):
        return deliverers_alive(conn, host=socket.gethostname()) > 0


async def _deliver(deliverer: Deliverer) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if not await deliverer.run(stop):
        # Python would wait for the thread whose statement the database does not answer.
        logging.shutdown()
        os._exit(0)
