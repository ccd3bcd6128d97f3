"""Single messages that wait while no process of the API lives: taken over and sent by whoever comes by."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from ses_ops.sending.home import check_home
from ses_ops.sending.single.take_over import SILENT_FOR, DeadProcesses
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import retries
from ses_ops.transports.flow.event_loop import run_in_loop

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.sending.single.sender import SingleMailSender

#: Seconds for which messages are sent at a time; the rest is sent a minute later.
SENDS_FOR = 20.0
#: Seconds for mail that has begun: Airflow kills a process 5 s after it has asked it to end.
STOP_WITHIN = 4.0


def due_without_service(conn: Connection) -> bool:
    """Take over what dead processes left. Returns whether messages are due while no process of the API lives.

    Safe to repeat, and for several callers at once. Raises DatabaseUnavailable, LedgerRestored.
    """
    check_home(conn)
    watcher = DeadProcesses()
    watcher.take_over(conn, now=time.monotonic())
    if not watcher.living and watcher.any:
        time.sleep(SILENT_FOR + 0.5)
        watcher.take_over(conn, now=time.monotonic())
    if watcher.living:
        return False
    with transaction(conn):
        return bool(retries.due(conn, limit=1))


def send_due(sender: SingleMailSender, seconds: float = SENDS_FOR, *, stop: threading.Event | None = None) -> None:
    """Send the messages that are due, for as many seconds at most, and until `stop`. Raises DatabaseUnavailable."""
    run_in_loop(_send(sender, seconds, stop or threading.Event()))


async def _send(sender: SingleMailSender, seconds: float, stop: threading.Event) -> None:
    sender.begin()
    sender.start()
    try:
        give_up_at = time.monotonic() + seconds
        while not (sender.idle or stop.is_set()) and time.monotonic() < give_up_at:
            await asyncio.sleep(0.1)
    finally:
        await sender.stop(STOP_WITHIN)
