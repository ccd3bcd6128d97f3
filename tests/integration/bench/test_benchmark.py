"""The measures of `make bench` run on what the project is today: tiny sizes, the real PostgreSQL, other peers."""

from __future__ import annotations

import json
import smtplib
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest

from bench import __main__ as program
from bench import messages
from bench.context import Bench
from bench.database import BenchServer
from bench.figure import Verdict
from bench.measures import MEASURES
from bench.sent import SenderResult
from bench.sink import Sink
from bench.sizes import QUICK
from tests.recording_smtp import RecordingServer

TINY = replace(
    QUICK,
    rounds=1,
    engine=40,
    smtp_source=10,
    nodemailer=10,
    smtp_hook=10,
    far=3,
    audiences=(20, 60),
    freeze=50,
    csv_rows=50,
    events=400,
    ledger=4_000,
    looks=1,
    one_click=30,
    callbacks=2_000,
    clicks=520,
    single=120,
    single_seconds=0.5,
    beside_single=60,
    tasks=12,
    # A busy machine is no bug.
    measure_within=600,
    over_within=600,
)
#: Sizes that are the same in a full run and a quick one: domains, messages and repetitions; seconds; a second.
TINY_OF_MEASURES = {
    "reputation": {"DOMAINS": 20, "MESSAGES": 400, "REPEATS": 1},
    "callbacks": {"RISES": 1.0, "COUNTED": 1.0},
    "tokens": {"MADE": 200, "REPEATS": 1},
    "tracking": {"MADE": 200, "LINKS": 30},
    "reports": {"_QUICK": 200},
    "single": {"RATE": 40, "CONNECTIONS": 8},
}
#: These need Airflow and more than a minute.
OF_A_STACK = {"whole_way", "many_tasks"}


class Peer:
    """In place of smtp-source, nodemailer and SmtpHook, which a test does not install."""

    def send(self, port: int, count: int, *, connections: int = 1) -> SenderResult:
        began = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", port) as client:
            for number in range(1, count + 1):
                client.sendmail("news@mail.example.com", messages.address(number), "Subject: Hello\r\n\r\nHello\r\n")
        return SenderResult(messages=count, seconds=time.perf_counter() - began, cpu_seconds=0.001)

    @contextmanager
    def behind_http(self, port: int, *, connections: int = 1):
        """The port of an HTTP server that sends what it is given, one message after the other."""
        turn = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with turn, smtplib.SMTP("127.0.0.1", port) as client:
                    content = f"Subject: {message['subject']}\r\n\r\n{message['text']}\r\n"
                    client.sendmail("codes@mail.example.com", message["to"], content)
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 100
            daemon_threads = True

        with Server(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield server.server_address[1]
            server.shutdown()
            thread.join()


@contextmanager
def recording_sink(*, pipelining: bool = True, counting: bool = False):
    """In place of Debian's smtp-sink."""
    with RecordingServer() as server:
        yield Sink(server.port, psutil.Process())


@pytest.fixture(scope="module")
def bench(postgres):
    with Bench(TINY, tell=lambda line: None, server=BenchServer(postgres)) as bench:
        yield bench


@pytest.mark.parametrize("measure", [name for name in MEASURES if name not in OF_A_STACK])
def test_a_measure_of_the_benchmark_finds_every_figure(bench, measure, monkeypatch):
    for module in ("engine", "tokens", "one_click", "roundtrips", "scaling", "single"):
        monkeypatch.setattr(f"bench.measures.{module}.smtp_sink", recording_sink)
    monkeypatch.setattr("bench.peers.nodemailer.installed", lambda: nullcontext(Peer()))
    monkeypatch.setattr("bench.peers.smtp_source.send", Peer().send)
    monkeypatch.setattr("bench.peers.smtp_hook.send", Peer().send)
    for name, sizes in TINY_OF_MEASURES.items():
        for constant, value in sizes.items():
            monkeypatch.setattr(f"bench.measures.{name}.{constant}", value)
    figures = program._measure(measure, bench)
    assert figures
    for figure in figures:
        assert figure.verdict in (Verdict.NOT_JUDGED, Verdict.SHOWN), (
            f"{figure.what}: {figure.failed or figure.skipped}"
        )
        assert figure.value is not None, figure.what
