"""Connections that are lost in the middle of a step, once and again: what is in the ledger is known all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import AttemptSuperseded, DatabaseUnavailable
from ses_ops.sending.chunk.claim import FENCE, claim_chunk
from ses_ops.sending.chunk.ledger import ChunkLedger
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.ledger.batches import Marked, Written


@pytest.fixture
def ledger(world) -> Iterator[ChunkLedger]:
    """Of a chunk of 100 messages that was just claimed."""
    world.group("customers", 100)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    control = connect(world.dsn)
    attempt = claim_chunk(control, chunk_id, run.run_id)
    ledger = ChunkLedger(control=control, dsn=world.dsn, attempt=attempt)
    yield ledger
    ledger.control.close()


def sent(messages: list[Marked]) -> list[Written]:
    return [Written(message.seq, MessageState.SENT, 250, "ok", 1) for message in messages]


def end_session(world, pid: int) -> None:
    world.rows("SELECT pg_terminate_backend(%s, 5000)", pid)


def lose_answers(monkeypatch, count: int) -> list[int]:
    """The next so many reconnections are committed, and their answers never come. Returns those that are to come."""
    renew, left = ChunkLedger._renew_control, list(range(count))

    def renewed(self: ChunkLedger) -> int:
        steps = renew(self)
        if left:
            left.pop()
            raise DatabaseUnavailable("the answer to COMMIT was lost")
        return steps

    monkeypatch.setattr(ChunkLedger, "_renew_control", renewed)
    return left


@pytest.mark.parametrize("answers_lost", [0, 1, 2])
@pytest.mark.parametrize("happened", [False, True])
def test_a_step_is_written_once_however_many_connections_are_lost(world, ledger, monkeypatch, happened, answers_lost):
    left = lose_answers(monkeypatch, answers_lost)

    async def story() -> tuple[list[Marked], int]:
        await ledger.open()
        outcomes = sent((await ledger.step([], limit=10)).marked)
        if happened:
            await ledger._write(outcomes, 10)
        end_session(world, ledger._conn._conn.info.backend_pid)
        while True:  # as the keeper does; it may also meet its own old session, which ends in a moment
            with suppress(DatabaseUnavailable):
                step = await ledger.recover_step(outcomes)
                break
        assert not left
        assert (step is not None) is happened
        step = step or await ledger.step(outcomes, limit=10)
        ledger.close()
        return step.marked, ledger.counts["sent"]

    marked, counted = asyncio.run(story())
    assert [message.seq for message in marked] == list(range(11, 21))
    assert counted == 10
    assert world.states() == {"sent": 10, "queued": 90}
    world.check_ledger()


def test_a_session_that_outlives_its_connection_is_not_taken_for_another_sender(world, ledger):
    """The network was cut: the server goes on to believe in the session that holds the chunk's lock."""
    # The connection is lost to us, and stays open over there.
    lost, ledger.control = ledger.control, connect(world.dsn)

    async def story() -> list[Marked]:
        await ledger.open()
        with pytest.raises(DatabaseUnavailable, match="still held by the session that was lost"):
            await ledger.recover_step([])
        while True:  # the server was asked to end it, and does in a moment
            with suppress(DatabaseUnavailable):
                assert await ledger.recover_step([]) is None
                break
        step = await ledger.step([], limit=10)
        ledger.close()
        return step.marked

    assert len(asyncio.run(story())) == 10
    with pytest.raises(DatabaseUnavailable), transaction(lost), lost.cursor() as cursor:
        cursor.execute("SELECT 1")
    lost.close()


def test_a_sender_whose_chunk_was_taken_over_meanwhile_stops(world, ledger):
    pid = ledger.control.info.backend_pid
    ledger.control.close()
    end_session(world, pid)
    other = connect(world.dsn)
    assert claim_chunk(other, ledger.attempt.chunk_id, ledger.attempt.run_id) is not None

    async def story() -> None:
        await ledger.open()
        with pytest.raises(AttemptSuperseded):
            await ledger.recover_step([])
        ledger.close()

    asyncio.run(story())
    other.close()


def test_a_sender_with_nothing_to_write_looks_for_its_database_again(world, mail_server):
    """A server that takes its time: no outcome comes, and a pause must be seen all the same."""
    mail_server.delay = 3_600.0
    world.smtp_uri += "?connections=1"
    world.group("customers", 30)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    sender = Thread(target=world.send, args=(chunk_id, run))
    sender.start()
    while not mail_server.total:
        time.sleep(0.01)
    sessions = "FROM pg_stat_activity WHERE application_name = 'ses-ops send' AND datname = current_database()"
    world.execute(
        "UPDATE send_task SET paused_at = now(), paused_reason = 'by a test';"
        f"SELECT pg_terminate_backend(pid, 5000) {sessions}"
    )
    ((before,),) = world.rows("SELECT steps %% %s FROM chunk", FENCE)

    def has_looked() -> bool:
        """It has connected again (which steps over a fence), and taken the step that finds the pause."""
        ((steps,),) = world.rows("SELECT steps FROM chunk")
        return steps >= FENCE and steps % FENCE > before

    give_up_at = time.monotonic() + 30
    while not has_looked():
        assert time.monotonic() < give_up_at, "it has not connected again"
        time.sleep(0.05)
    assert len(world.rows(f"SELECT {sessions}")) == 2
    mail_server.hang_up_all()
    sender.join(60)
    assert world.states() == {"unknown": 1, "requeued": world.states()["requeued"], "queued": world.states()["queued"]}
    assert mail_server.total == 1
    world.check_ledger()
