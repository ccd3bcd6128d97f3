"""A process that dies leaves its messages to another: none is lost, none leaves twice, the doubt is on show."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ses_ops.sending.single.take_over import DeadProcesses
from ses_ops.storage.single_messages.processes import PROCESS_LOCK
from tests.integration.single.world import until

ROOT = Path(__file__).parents[3]
#: Messages that one death may leave in doubt: what the connections were about to write.
MOST_IN_DOUBT = 20


def process(world, name: str, *, count: int, rate: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.integration.single.single_process"),
            *(world.dsn, world.smtp_uri, name, str(count), str(rate)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/plugins:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def accepted_by(dead: subprocess.Popen[str]) -> set[str]:
    assert dead.stdout is not None
    return {line.strip() for line in dead.stdout if line.endswith("\n")}


def wait_for(what, seconds: float = 60.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up_at, "it did not come to be"
        time.sleep(0.01)


def check_nobody_twice(world, mail_server, accepted: set[str]) -> None:
    """All that was promised was sent, or is in doubt; and nobody got it twice."""
    by_state = {}
    for address, state in world.rows("SELECT address, state::text FROM message"):
        by_state.setdefault(state, set()).add(address)
    assert set(by_state) <= {"sent", "unknown"}, by_state
    had = set(mail_server.accepted)
    assert set(mail_server.accepted.values()) <= {1}, "somebody got it twice"
    sent, unknown = by_state.get("sent", set()), by_state.get("unknown", set())
    assert sent <= had, "the ledger says sent and the server never had it"
    assert had <= sent | unknown
    assert accepted <= sent | unknown, "a message was promised and is lost"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_9_at_a_random_moment_loses_nothing_and_doubles_nothing(world, mail_server, seed):
    moments = random.Random(seed)
    mail_server.delay = 0.01
    dead = process(world, "dead", count=2_000, rate=2_000)
    at_least = moments.randint(20, 300)
    wait_for(lambda: mail_server.total >= at_least)
    dead.kill()
    dead.wait()
    died_at = time.monotonic()
    accepted = accepted_by(dead)

    async def scene():
        other = world.sender()
        other.begin()
        other.start()
        try:
            pending = "SELECT 1 FROM chunk WHERE state <> 'settled' LIMIT 1"
            await until(lambda: not world.rows(pending))
            assert time.monotonic() - died_at < 60
        finally:
            await other.stop()

    asyncio.run(scene())
    check_nobody_twice(world, mail_server, accepted)
    assert world.states().get("unknown", 0) <= MOST_IN_DOUBT
    world.check_places()
    assert not world.rows("SELECT 1 FROM occurrence WHERE finished_at IS NULL")


def test_sigterm_ends_what_has_begun_and_leaves_the_rest_to_another(world, mail_server):
    mail_server.delay = 0.3
    ended = process(world, "ended", count=300, rate=1_000)
    wait_for(lambda: mail_server.total >= 20)
    ended.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert ended.wait(60) == 0
    assert time.monotonic() - began < 30
    accepted = accepted_by(ended)
    assert "unknown" not in world.states(), "what was not begun is not in doubt"
    assert not world.rows("SELECT 1 FROM chunk WHERE state = 'reserved'"), "nothing is held"
    mail_server.delay = 0.0

    async def scene():
        other = world.sender()
        other.begin()
        other.start()
        try:
            await until(lambda: set(world.states()) == {"sent"})
        finally:
            await other.stop()

    asyncio.run(scene())
    check_nobody_twice(world, mail_server, accepted)
    world.check_places()


def test_a_machine_that_is_lost_leaves_what_it_had_marked_in_doubt(world, mail_server, monkeypatch):
    monkeypatch.setattr("ses_ops.sending.chunk.claim.read_journal", lambda _: None)
    mail_server.delay = 0.05
    dead = process(world, "lost", count=200, rate=1_000)
    wait_for(lambda: mail_server.total >= 30)
    dead.kill()
    dead.wait()
    accepted = accepted_by(dead)
    watcher = DeadProcesses()
    wait_for(lambda: watcher.take_over(world.conn, now=time.monotonic()))
    check_nobody_twice(world, mail_server, accepted)
    world.check_places()


def test_a_living_process_is_left_alone(world, mail_server):
    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("one@customers.example"))
            watcher = DeadProcesses()
            assert watcher.take_over(world.conn, now=0.0) == 0
            assert watcher.take_over(world.conn, now=60.0) == 0
            assert not watcher.any
            await until(lambda: world.states() == {"sent": 1})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    assert world.rows("SELECT state::text FROM chunk") == [("settled",)]


def test_a_process_that_is_taken_for_dead_begins_nothing_more_and_goes_on_as_another(world, mail_server):
    async def scene():
        sender = world.sender()
        chunks = sender.begin()
        acceptance = world.acceptance(chunks)
        sender.start()
        former = chunks.process
        try:
            sender.add(acceptance.accept("one@customers.example"))
            await until(lambda: world.states() == {"sent": 1})
            # Its session is lost, and a watcher is quicker than its return.
            while not world.rows("SELECT 1 WHERE pg_try_advisory_lock(%s, %s)", PROCESS_LOCK, former.id):
                world.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                    PROCESS_LOCK,
                )
            watcher = DeadProcesses()
            world.execute("UPDATE single_message_process SET ended_at = now() WHERE id = %s", former.id)
            watcher.take_over(world.conn, now=0.0)
            watcher.take_over(world.conn, now=60.0)
            await until(lambda: chunks.process != former)
            sender.add(acceptance.accept("two@customers.example"))
            await until(lambda: world.states() == {"sent": 2})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    assert mail_server.accepted == {"one@customers.example": 1, "two@customers.example": 1}
    world.check_places()
