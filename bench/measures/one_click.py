"""The measure of one-click unsubscribing: the time of a request at a steady rate.

Once while a task is sending, beside it on the same machine and the same PostgreSQL; once while PostgreSQL is
unavailable, when the spool takes the requests (append, fsync). The listener is the process of `ses listen public`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figure import Bar, Figure
from bench.mailing import Mailing, mailing
from bench.sent import run_sender
from bench.sink import smtp_sink
from ses_ops.application.token_secrets import COPY
from ses_ops.events.tokens import Purpose, TokenMaker, address_check
from ses_ops.storage.connection import transaction
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.public.listener_process import ListenerProcess

if TYPE_CHECKING:
    from bench.context import Bench

#: Requests a second, and milliseconds in which 99 of 100 have to be answered.
RATE, BAR = 300, 25.0


def measure(bench: Bench) -> Iterator[Figure]:
    requests = bench.sizes.one_click
    with mailing(bench.server, 2 * bench.sizes.engine) as ready, smtp_sink() as sink:
        first, second = tokens(ready, 2 * requests)[:requests], tokens(ready, 2 * requests)[requests:]
        with listening(ready.dsn) as listener:
            bench.progress(f"  {requests} requests while a task is sending …")
            ask(listener, first[: RATE // 3])  # the first requests open connections and import modules
            sender = threading.Thread(target=send, args=(ready, sink.port))
            sender.start()
            found = ask(listener, first)
            still = sender.is_alive()
            sender.join()
            yield figure("while a task is sending", found, note="" if still else "the task had ended before")
            bench.progress(f"  {requests} requests while PostgreSQL is unavailable …")
            with listening(f"postgresql://nobody@/none?host={listener.spool}", copy=listener.spool / COPY) as alone:
                ask(alone, second[: RATE // 3])
                yield figure("while PostgreSQL is unavailable", ask(alone, second))


def figure(when: str, found: dict[str, Any], *, note: str = "") -> Figure:
    """The figure of a run of requests. Raises RuntimeError when one was not answered 200."""
    if found["wrong"]:
        raise RuntimeError(f"not every request was answered 200: {found['wrong']}")
    said = (
        f"median {found['p50']:.1f} ms, slowest {found['slowest']:.0f} ms; 99 of 100 asked within {found['own']:.1f} ms"
    )
    return Figure(
        what=f"one-click request, {RATE} a second, {when}: 99 of 100",
        value=found["p99"],
        unit="ms",
        bar=Bar(limit=BAR),
        note="; ".join(filter(None, (said, note))),
        data=found,
    )


def send(ready: Mailing, port: int) -> None:
    """Send the mailing. (`Mailing.send` demands that all of it is sent, and some of its recipients leave meanwhile.)"""
    for chunk in ready.chunk_ids:
        run_sender(ready.sender(chunk, port))


def tokens(ready: Mailing, count: int) -> list[str]:
    """Unsubscribe tokens of the first messages of a mailing, again from the first where it has fewer."""
    with transaction(ready.conn), ready.conn.cursor() as cursor:
        maker = TokenMaker(token_secrets(ready.conn)[0], Purpose.UNSUBSCRIBE)
        cursor.execute("SELECT occurrence_id, seq, address_key FROM message ORDER BY 1, 2 LIMIT %s", (count,))
        rows = cursor.fetchall()
    made = [maker.make(occurrence, seq, address_check(key), 2) for occurrence, seq, key in rows]
    return (made * (1 + count // len(made)))[:count]


@contextmanager
def listening(dsn: str, *, copy: Path | None = None, arguments: Sequence[str] = ()) -> Iterator[ListenerProcess]:
    """A listener for the length of a `with`; `copy`: the secrets of a listener that could read them."""
    # Not in memory: the time of an fsync is part of what is measured.
    with tempfile.TemporaryDirectory(prefix="ses-listener-", dir="/var/tmp") as folder:
        listener = ListenerProcess(dsn=dsn, spool=Path(folder) / "spool", arguments=list(arguments))
        listener.spool.mkdir()
        if copy is not None:
            shutil.copy(copy, listener.spool / COPY)
        try:
            listener.start()
            yield listener
        finally:
            listener.kill()


def ask(listener: ListenerProcess, asked: list[str]) -> dict[str, Any]:
    """Requests at RATE, by a process of its own."""
    command = [sys.executable, "-m", "bench.one_click_load", str(listener.port), str(RATE)]
    done = subprocess.run(command, input="\n".join(asked), capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))
