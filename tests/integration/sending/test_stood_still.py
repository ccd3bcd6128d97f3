"""A sender that stood still for a while in mid-send (SIGSTOP): nobody twice, nothing in doubt, no fault found."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.integration.sending.test_crashes import sender_process, wait_for_total
from tests.integration.sending_world import World, quota
from tests.integration.single.test_take_over import process as single_process
from tests.integration.single.test_take_over import wait_for
from tests.integration.single.world import SingleWorld
from tests.recording_smtp import RecordingServer

#: Seconds for which the sender stands still: longer than all that the server has time for.
STOOD_STILL = 14
#: Long enough for a busy machine, on which the other processes run.
LIMITS = "timeout=10&data_timeout=10&unavailable_after=10&connections=4"
PEOPLE = 600


@pytest.fixture
def mail() -> Iterator[RecordingServer]:
    with RecordingServer(delay=0.02) as server:
        yield server


def stand_still(pid: int, meanwhile: Callable[[], None] | None = None) -> None:
    os.kill(pid, signal.SIGSTOP)
    if meanwhile is not None:
        meanwhile()
    time.sleep(STOOD_STILL)
    os.kill(pid, signal.SIGCONT)


def check(world: World, mail: RecordingServer, count: int, *, in_doubt: int = 0) -> None:
    states = world.states()
    doubt = states.pop("unknown", 0)
    assert doubt <= in_doubt
    assert states == {"sent": count - doubt}
    assert set(mail.accepted.values()) == {1}, "somebody got it twice"
    assert mail.total >= count - doubt
    world.check_ledger()


@pytest.mark.parametrize("server_in_trouble", [False, True])
def test_a_bulk_chunk_goes_on(ses_dsn, tmp_path, mail, server_in_trouble):
    world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=f"{mail.uri}?{LIMITS}")
    world.quota_variable = quota(2 * PEOPLE)
    world.group("customers", PEOPLE)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    process = sender_process(world, chunk_id, run.run_id)
    try:
        wait_for_total(mail, 100, process)
        if server_in_trouble:  # for a moment, and then it waits for the sender
            mail.stop()
            time.sleep(0.3)
        stand_still(process.pid, mail.start if server_in_trouble else None)
        assert process.wait(120) == 0
    finally:
        process.kill()
    # What was under way when the server cut its connections is in doubt, and rightly so.
    check(world, mail, PEOPLE, in_doubt=4 if server_in_trouble else 0)
    assert world.rows("SELECT ending FROM attempt") == [("finished",)]
    world.close()


def test_single_messages_go_on(ses_dsn, tmp_path, mail):
    world = SingleWorld(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail.uri)
    world.quota_variable = quota(1_000_000)
    world.smtp_uri = f"{mail.uri}/?{LIMITS}"
    process = single_process(world, "still", count=PEOPLE, rate=200)
    try:
        wait_for(lambda: mail.total >= 100)
        stand_still(process.pid)
        wait_for(lambda: world.states() == {"sent": PEOPLE}, 120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
    check(world, mail, PEOPLE)
    world.close()
