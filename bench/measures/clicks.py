"""The measure of clicks and opens: the time of an answer at a steady rate, and how many are answered a second.

By turns a click and an open of each message of a mailing that has left, at the process of `ses listen public`;
meanwhile they are recorded in PostgreSQL, on the same cores. Beside it what recording alone takes, batch by batch.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil

from bench.database import family_cpu
from bench.event_process import address
from bench.figure import Bar, Figure
from bench.measures.events import sent_mailing
from bench.measures.one_click import listening
from ses_ops.application.record_engagement import record_engagement
from ses_ops.domain.engagement import TRACKING, Engagement, EngagementKind
from ses_ops.domain.message_event import MessageKey
from ses_ops.events.link_tokens import LinkMaker
from ses_ops.events.tokens import Purpose, TokenMaker, address_check
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.events.token_secrets import token_secrets

if TYPE_CHECKING:
    from bench.context import Bench
    from tests.integration.public.listener_process import ListenerProcess

#: Requests a second, and milliseconds in which 99 of 100 have to be answered.
RATE, BAR = 500, 20.0
#: Answers a second of as many processes as there are cores, with recording.
WORKERS, LEAST_RATE = 2, 2_000
#: Events of one transaction, and events a second that one process records.
BATCH, LEAST_RECORDED = 500, 2_000
#: Links of the mail.
LINKS = 8
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


def measure(bench: Bench) -> Iterator[Figure]:
    count = bench.sizes.clicks
    with bench.server.database() as dsn:
        with connected(dsn) as conn:
            occurrence_id = sent_mailing(conn, 3 * count)
        bench.server.checkpoint()
        paths = list(paths_of(dsn, occurrence_id, 2 * count + RATE))
        with listening(dsn, arguments=["--workers", str(WORKERS)]) as listener:
            bench.progress(f"  {count:,} clicks and opens, {RATE} a second …")
            ask(listener, RATE, paths[:RATE])  # the first requests open connections and import modules
            yield _answered(ask(listener, RATE, paths[RATE : RATE + count]))
            bench.progress(f"  {count:,} clicks and opens, as fast as they are answered …")
            yield _at_once(bench, dsn, listener, paths[RATE + count :], RATE + count)
        bench.progress(f"  {count:,} clicks and opens, {BATCH} in a transaction …")
        yield _recorded(bench, dsn, occurrence_id, 2 * count + RATE, count - RATE)


def _answered(found: dict[str, Any]) -> Figure:
    return Figure(
        what=f"click or open, {RATE} a second: 99 of 100",
        value=found["p99"],
        unit="ms",
        bar=Bar(limit=BAR),
        note=f"median {found['p50']:.1f} ms, slowest {found['slowest']:.0f} ms, recorded meanwhile",
        data=found,
    )


def _at_once(bench: Bench, dsn: str, listener: ListenerProcess, paths: list[str], before: int) -> Figure:
    assert listener.process is not None
    cpu = bench.server.cpu_seconds(), family_cpu(psutil.Process(listener.process.pid))
    began = time.perf_counter()
    found = ask(listener, 0, paths)
    answered = time.perf_counter()
    while (recorded := _events(dsn) - before) < len(paths):
        if time.perf_counter() - answered > 120:
            raise RuntimeError(f"{recorded} of {len(paths)} events were recorded")
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    used = bench.server.cpu_seconds() - cpu[0], family_cpu(psutil.Process(listener.process.pid)) - cpu[1]
    of_one = [1e3 * one / len(paths) for one in (*used, found["cpu"])]
    return Figure(
        what=f"clicks and opens answered a second, {WORKERS} processes",
        value=found["rate"],
        unit="answers/s",
        bar=Bar(limit=LEAST_RATE, at_least=True),
        note=f"99 of 100 in {found['p99']:.0f} ms; all recorded {seconds:.1f} s after the first,"
        f" {len(paths) / seconds:,.0f} a second; CPU of one: {of_one[1]:.2f} ms the listener, {of_one[0]:.2f} ms"
        f" PostgreSQL, {of_one[2]:.2f} ms the clients",
        data=found,
    )


def _recorded(bench: Bench, dsn: str, occurrence_id: int, first: int, count: int) -> Figure:
    events = [_event(occurrence_id, first + number) for number in range(1, count + 1)]
    with connected(dsn) as conn:
        record_engagement(conn, events[:1])
        cpu, own, began = bench.server.cpu_seconds(), time.process_time(), time.perf_counter()
        for begin in range(1, count, BATCH):
            record_engagement(conn, events[begin : begin + BATCH])
        seconds, own = time.perf_counter() - began, time.process_time() - own
    cpu = bench.server.cpu_seconds() - cpu
    return Figure(
        what=f"clicks and opens recorded a second, {BATCH} in a transaction, one process",
        value=count / seconds,
        unit="events/s",
        bar=Bar(limit=LEAST_RECORDED, at_least=True),
        note=f"CPU of one: {1e3 * cpu / count:.2f} ms PostgreSQL and {1e3 * own / count:.2f} ms the process",
    )


def paths_of(dsn: str, occurrence_id: int, count: int) -> Iterator[str]:
    """The path of a click or of an open of each of the first messages, by turns."""
    with connected(dsn) as conn, transaction(conn):
        secret = token_secrets(conn)[0]
    clicks, opens = TokenMaker(secret, Purpose.CLICK), TokenMaker(secret, Purpose.OPEN)
    links = [LinkMaker(secret).make(_target(place), place) for place in range(LINKS)]
    for seq in range(1, count + 1):
        given = occurrence_id, seq, address_check(address(seq))
        yield f"/c/{clicks.make(*given)}/{links[seq % LINKS]}" if seq % 2 else f"/o/{opens.make(*given)}.gif"


def _target(place: int) -> str:
    return f"https://shop.example/page/{place}?utm_source=mail&utm_campaign=spring"


def _event(occurrence_id: int, seq: int) -> Engagement:
    key = MessageKey(occurrence_id=occurrence_id, seq=seq, address_check=address_check(address(seq)))
    return Engagement(
        kind=EngagementKind.CLICKED if seq % 2 else EngagementKind.OPENED,
        source=TRACKING,
        source_id=f"{seq:024x}",
        occurred_at=datetime.now(UTC),
        message=key,
        target=_target(seq % LINKS) if seq % 2 else "",
        place=seq % LINKS if seq % 2 else None,
        ip=f"10.{seq >> 16 & 255}.{seq >> 8 & 255}.{seq & 255}",
        user_agent=AGENT,
    )


def _events(dsn: str) -> int:
    with connected(dsn) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engagement")
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def ask(listener: ListenerProcess, rate: float, paths: list[str]) -> dict[str, Any]:
    """Requests at a rate, by a process of its own. Raises RuntimeError when one was answered otherwise."""
    command = [sys.executable, "-m", "bench.click_load", str(listener.port), str(rate)]
    done = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=True, timeout=300)
    found = dict(json.loads(done.stdout))
    if found["wrong"]:
        raise RuntimeError(f"not every request was answered as it should be: {found['wrong']}")
    return found
