"""Killed at any step of a request, with a client that asks again: one message a key, and never two mails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ses_ops.storage.connection import connected
from tests.integration.sending_world import quota
from tests.integration.single_messages.mail_process import DOMAIN
from tests.recording_smtp import RecordingServer
from tests.sizes import FULL

ROOT = Path(__file__).parents[3]
#: About as many steps as a process takes to start and to send three messages, and some of its heartbeats.
STEPS = 140
ORDERS = 3


class MailProcess:
    """A copy that is given orders; `answers` are the ids by key."""

    def __init__(self, dsn: str, smtp: str, point: int) -> None:
        variable = json.dumps(quota(1_000_000, domain=DOMAIN))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.single_messages.mail_process", dsn, smtp, variable, str(point)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}/plugins:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answers: dict[str, str] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, _, id = line.strip().partition(" ")
            self.answers[name] = id

    def give(self, orders: dict[str, str]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # dead already
            for name, address in orders.items():
                self._process.stdin.write(f"{name} {address}\n")
            self._process.stdin.flush()

    def answered(self, names: set[str], *, seconds: float = 60) -> set[str]:
        """Which of some orders it has answered when all are, or when it is dead."""
        end = time.monotonic() + seconds
        while not names <= self.answers.keys() and self._process.poll() is None:
            assert time.monotonic() < end, "no answer"
            time.sleep(0.005)
        if self._process.poll() is not None:
            self._reader.join(10)
        return names & self.answers.keys()

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self._process.kill()
        elif self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait(90)
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()


points = st.lists(st.integers(1, STEPS), min_size=4, max_size=8, unique=True)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate] if FULL else [Phase.explicit],
    database=None,
)
@given(points=points)
@example(points=[30, 60, 74, 76, 78, 80, 88, 96, 104])
def test_kill_9_at_any_step_with_a_client_that_retries_makes_one_message_a_key_and_never_two_mails(
    postgres, ses_template, points
):
    name = postgres.next_database(ses_template)
    dsn = postgres.dsn(name)
    ids: defaultdict[str, set[str]] = defaultdict(set)
    with RecordingServer() as server:
        survivor = MailProcess(dsn, server.uri, 0)
        try:
            survivor.answered({"ready"})
            for point in points:
                orders = {f"k{point}-{n}": f"p{point}-{n}@example.org" for n in range(ORDERS)}
                victim = MailProcess(dsn, server.uri, point)
                try:
                    if victim.answered({"ready"}):
                        victim.give(orders)
                        for key in victim.answered(set(orders)):
                            ids[key].add(victim.answers[key])
                finally:
                    victim.end(kill=True)
                # The client asks again, whether it had an answer or not, and another copy answers.
                survivor.give(orders)
                survivor.answered(set(orders))
                for key in orders:
                    ids[key].add(survivor.answers[key])
            wait_until_all_is_over(dsn)
        finally:
            survivor.end()
        accepted = dict(server.accepted)
    found = dict(rows(dsn, "SELECT address, state::text FROM message"))
    assert {key: len(found) for key, found in ids.items() if len(found) != 1} == {}
    assert len(found) == len(points) * ORDERS
    for address, state in found.items():
        mails = accepted.get(address, 0)
        assert mails <= 1, f"{address} got {mails} mails"
        assert state == "unknown" or (state == "sent" and mails == 1), f"{address} is {state} and got {mails} mails"
    assert rows(dsn, "SELECT count(*) FROM message") == [(len(found),)]
    assert rows(dsn, "SELECT reserved, used, single FROM quota_day") == [(0, len(found), len(found))]
    assert rows(dsn, "SELECT count(*) FROM chunk WHERE state <> 'settled'") == [(0,)]
    postgres.drop_database_soon(name)


def rows(dsn: str, sql: str) -> list[tuple]:
    with connected(dsn) as conn, conn.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def wait_until_all_is_over(dsn: str) -> None:
    """Until no message is pending, and only one process lives: the others were taken over."""
    over = (
        "SELECT (SELECT coalesce(sum(pending), 0)::int FROM chunk), count(*) FROM single_message_process"
        " WHERE ended_at IS NULL"
    )
    end = time.monotonic() + 120
    while (state := rows(dsn, over)) != [(0, 1)]:
        assert time.monotonic() < end, state
        time.sleep(0.2)
