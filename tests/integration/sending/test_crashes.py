"""Killed in mid-send and started again, at random moments: none lost, none twice, the doubt listed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import Conflict, TransportUnavailable
from ses_ops.sending.chunk.claim import claim_chunk
from ses_ops.sending.chunk.journal import Journal, open_journal, read_journal
from ses_ops.sending.reserve import reserve_chunks
from ses_ops.storage.connection import connected
from ses_ops.storage.ledger.chunk_locks import CHUNK_LOCK, try_lock
from tests.integration.sending_world import World, quota

ROOT = Path(__file__).parents[3]
#: Messages that one kill may leave in doubt: with the journal, what the connections were about to write; without it,
#: all that was marked.
WITH_JOURNAL = 20
WITHOUT_JOURNAL = 100


def sender_process(world: World, chunk_id: int, run_id: str, *, journal: bool = True) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.integration.sending.send_process"),
            *(world.dsn, str(chunk_id), run_id, world.smtp_uri, str(world.templates)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/plugins:{ROOT}", "JOURNAL": "on" if journal else "off"},
        stdout=subprocess.DEVNULL,
    )


def wait_for_total(mail_server, total: int, process: subprocess.Popen[bytes]) -> None:
    while mail_server.total < total and process.poll() is None:
        time.sleep(0.002)


def kill(world: World, process: subprocess.Popen[bytes]) -> None:
    """`kill -9`, and wait until PostgreSQL has noticed: the session of the dead holds its chunk until then."""
    process.kill()
    process.wait()
    wait_for_chunk_locks_to_go(world)


def wait_for_chunk_locks_to_go(world: World) -> None:
    """Until no session holds a chunk any more."""
    give_up_at = time.monotonic() + 60
    while world.rows(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        CHUNK_LOCK,
    ):
        assert time.monotonic() < give_up_at, "the session of a dead sender lives on"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("seed", "journal", "most_unknown"), [(1, True, WITH_JOURNAL), (2, True, WITH_JOURNAL), (3, False, WITHOUT_JOURNAL)]
)
def test_kill_9_at_random_moments_loses_nothing_and_doubles_nothing(world, mail_server, seed, journal, most_unknown):
    moments = random.Random(seed)
    world.group("customers", 4_000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    kills = 4
    for _ in range(kills):
        process = sender_process(world, chunk_id, run.run_id, journal=journal)
        wait_for_total(mail_server, mail_server.total + moments.randint(1, 600), process)
        process.kill()
        process.wait()
        world.overview("hello")
    process = sender_process(world, chunk_id, run.run_id)
    assert process.wait(60) == 0
    settlement = world.settle(run)
    world.check_ledger()
    sent = {address for (address,) in world.rows("SELECT address FROM message WHERE state = 'sent'")}
    unknown = {address for (address,) in world.rows("SELECT address FROM message WHERE state = 'unknown'")}
    accepted = set(mail_server.accepted)
    assert set(mail_server.accepted.values()) == {1}, "somebody got it twice"
    assert sent <= accepted, "the ledger says sent and the server never had it"
    assert accepted <= sent | unknown, "the server has mail that the ledger does not own up to"
    assert len(sent) + len(unknown) == 4_000, "some are lost"
    assert settlement.unknown == len(unknown) <= most_unknown * kills
    assert world.overview("hello").status is TaskStatus.FINISHED


def test_on_unknown_resend_sends_the_doubtful_again(world, mail_server):
    world.group("customers", 2_000)
    world.task("hello", group="customers", on_unknown="resend")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    process = sender_process(world, chunk_id, run.run_id)
    wait_for_total(mail_server, 500, process)
    kill(world, process)
    assert world.send(chunk_id, run).left == 0
    assert len(mail_server.accepted) == 2_000
    assert world.settle(run).unknown == 0
    world.check_ledger()


def test_a_run_that_died_whole_is_settled_by_its_next_try(world, mail_server):
    mail_server.delay = 0.02
    world.group("customers", 2_000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    process = sender_process(world, chunk_id, run.run_id)
    wait_for_total(mail_server, 300, process)
    mail_server.delay = 1.0  # so that it is seen at work
    with pytest.raises(Conflict, match="still being sent"):
        world.settle(run)
    kill(world, process)
    settlement = world.settle(run)
    assert settlement.resume_at is not None
    assert settlement.sent + settlement.unknown + settlement.cached == 2_000
    world.check_ledger()
    mail_server.delay = 0.0
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").status is TaskStatus.FINISHED


def test_two_processes_at_one_chunk_never_both_send_it(world, mail_server):
    mail_server.delay = 0.03
    world.group("customers", 1_000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    process = sender_process(world, chunk_id, run.run_id)
    wait_for_total(mail_server, 50, process)
    mail_server.delay = 1.0  # so that it is seen at work
    with pytest.raises(Conflict, match="is being sent by process"):
        world.send(chunk_id, run)
    mail_server.delay = 0.0
    assert process.wait(60) == 0
    assert set(mail_server.accepted.values()) == {1}
    assert mail_server.total == 1_000


def test_many_reservations_at_once_never_exceed_the_quota(world):
    """Tasks of one domain reserve, crash (roll back), release and reserve again from many connections."""
    world.quota_variable = quota(1_000)
    for number in range(8):
        world.group(f"g{number}", 400)
        world.task(f"t{number}", group=f"g{number}")
        world.freeze(world.run(f"t{number}"))
    barrier = threading.Barrier(8)

    def reserve_and_give_back(number: int) -> None:
        dice = random.Random(number)
        plans = QuotaPlans.parse(world.quota_variable)
        with connected(world.dsn) as conn:
            barrier.wait()
            for turn in range(12):
                run = world.run(f"t{number}", RunKind.TRIGGERED, run_id=f"{number}-{turn}")
                reserve_chunks(conn, run, plans=plans, chunk_size=dice.randint(20, 200))
                if dice.random() < 0.7:
                    from ses_ops.sending.settle import settle

                    settle(conn, run)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(reserve_and_give_back, range(8)))
    world.check_ledger()
    for number in range(8):
        world.overview(f"t{number}")
    ((reserved, used, allotment),) = world.rows("SELECT reserved, used, allotment FROM quota_day")
    assert (used, allotment) == (0, 1_000)
    assert 0 <= reserved <= 1_000


@pytest.mark.parametrize(("on_unknown", "becomes"), [("hold", "unknown"), ("resend", "sent")])
def test_a_message_behind_the_mark_of_a_chunk_that_nobody_has_is_in_doubt(world, mail_server, on_unknown, becomes):
    """It must not happen. If it does, nobody can say whether the mail left, and its task must not wait for ever."""
    world.group("customers", 20)
    world.task("hello", group="customers", on_unknown=on_unknown)
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    world.execute("UPDATE chunk SET sending_through = first_seq + 4")
    assert world.send(chunk_id, run).left == 0
    world.settle(run)
    assert world.rows("SELECT DISTINCT state::text FROM message WHERE seq <= 5") == [(becomes,)]
    assert world.overview("hello").status is TaskStatus.FINISHED
    world.check_ledger()


def test_a_journal_is_kept_until_what_it_says_is_committed(world, mail_server):
    world.group("customers", 20)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    with connected(world.dsn) as dead:
        attempt = claim_chunk(dead, chunk_id, run.run_id)
    world.execute("UPDATE chunk SET sending_through = 5")
    journal = open_journal(attempt.journal_id, first_seq=1, last_seq=20)
    journal.write(1, 250)
    journal.close(keep=True)
    world.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$;"
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON attempt DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(psycopg2.Error, match="no room"):
        world.send(chunk_id, run)
    world.execute("DROP TRIGGER refuse ON attempt")
    assert world.send(chunk_id, run).left == 0
    assert world.states() == {"sent": 20}
    assert mail_server.total == 19, "one had been sent already"
    assert read_journal(attempt.journal_id) is None


def test_who_gets_a_chunk_can_read_the_journal_of_the_sender_before(world, monkeypatch):
    world.smtp_uri = "smtp://127.0.0.1:1?unavailable_after=0.1"
    world.group("customers", 20)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    close, free = Journal.close, []

    def closed(self: Journal, *, keep: bool) -> None:
        with connected(world.dsn) as other:
            free.append(try_lock(other, chunk_id=chunk_id))
        close(self, keep=keep)

    monkeypatch.setattr(Journal, "close", closed)
    with pytest.raises(TransportUnavailable):
        world.send(chunk_id, run)
    assert free == [False]
