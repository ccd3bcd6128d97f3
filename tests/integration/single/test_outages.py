"""Mail server or PostgreSQL unavailable while single messages are sent: they wait, none is lost, none leaves twice."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest

from ses_ops.sending.single import duties, recorder, refused, retry
from ses_ops.sending.single.open_chunk import MOST_OF_CHUNK
from ses_ops.storage.connection import connect
from ses_ops.storage.ledger.chunk_locks import CHUNK_LOCK
from ses_ops.storage.migrate import upgrade
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.single.world import DOMAIN, SingleWorld, until
from tests.postgres_server import PostgresServer


def check_each_once(world, mail_server, count: int) -> None:
    assert world.states() == {"sent": count}
    assert len(mail_server.accepted) == count
    assert set(mail_server.accepted.values()) == {1}, "somebody got it twice"
    world.check_places()


def test_messages_wait_while_the_mail_server_is_unavailable_and_leave_when_it_is_back(world, mail_server):
    mail_server.stop()
    healths = []

    async def scene():
        sender = world.sender(options="unavailable_after=0.5")
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(60):
                sender.add(acceptance.accept(f"a-{number}@customers.example"))
            await until(lambda: sender.health().relay_problem is not None)
            await until(lambda: world.states() == {"requeued": 60})
            await until(lambda: sender.health().under_way == 0)
            healths.append(sender.health())
            for number in range(60):
                sender.add(acceptance.accept(f"b-{number}@customers.example"))
            await until(lambda: world.states() == {"requeued": 120})
            mail_server.start()
            await until(lambda: world.states() == {"sent": 120})
            assert sender.health().relay_problem is None
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    assert healths[0].waiting == 60, "what was not begun is not in doubt, even if the machine is lost"
    check_each_once(world, mail_server, 120)


def test_a_chunk_that_is_closed_without_a_mail_server_is_sent_when_there_is_one(world, mail_server, monkeypatch):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.3)
    monkeypatch.setattr(recorder, "MOST_KEPT", 10)
    mail_server.stop()

    async def scene():
        sender = world.sender(options="unavailable_after=0.3")
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(50):
                sender.add(acceptance.accept(f"a-{number}@customers.example"))
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'cached'"))
            mail_server.start()
            world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
            await until(lambda: world.states() == {"sent": 50})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 50)


def test_a_server_that_refuses_all_mail_fails_none_of_it(world, mail_server, monkeypatch):
    monkeypatch.setattr(refused, "TRIED_AGAIN_AFTER", 0.5)
    mail_server.refuse = lambda _: b"550 5.7.1 account suspended\r\n"

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(80):
                sender.add(acceptance.accept(f"a-{number}@customers.example"))
                await asyncio.sleep(0.002)
            await until(lambda: sender.health().relay_problem is not None)
            mail_server.refuse = None
            await until(lambda: world.states() == {"sent": 80})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 80)


def test_a_server_that_takes_no_changes_for_a_while_is_waited_for(world, mail_server):
    """As a standby that is promoted a moment later: a session with it takes none for ever."""
    database = f"ALTER DATABASE {world.conn.info.dbname}"

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            await until(lambda: sender.health().relay_problem is None and mail_server.connections)
            admitted = [acceptance.accept(f"a-{number}@customers.example") for number in range(20)]
            world.execute(f"{database} SET default_transaction_read_only = on")
            world.execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
                " WHERE application_name = 'ses-ops single messages' AND datname = current_database()"
            )
            for one in admitted:
                sender.add(one)
            await until(lambda: mail_server.total == 20, seconds=60)
            await until(lambda: sender.health().database_problem is not None, seconds=60)
            await asyncio.sleep(2)  # there are sessions again, which take no changes
            world.execute(f"{database} RESET default_transaction_read_only")
            await until(lambda: world.states() == {"sent": 20}, seconds=60)
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 20)


def test_refused_messages_that_cannot_be_requeued_at_once_are_requeued_later_and_mail_goes_on(
    world, mail_server, monkeypatch, caplog
):
    """Whatever is in the way in the database: it ended the sending of the process for ever, and nobody was told."""
    monkeypatch.setattr(refused, "TRIED_AGAIN_AFTER", 0.5)
    mail_server.refuse = lambda _: b"550 5.7.1 account suspended\r\n"
    world.execute(
        "CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;"
        "CREATE TRIGGER forbid BEFORE UPDATE ON message FOR EACH ROW"
        " WHEN (old.state = 'failed' AND new.state = 'requeued') EXECUTE FUNCTION forbid()"
    )

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(80):
                sender.add(acceptance.accept(f"a-{number}@customers.example"))
                await asyncio.sleep(0.002)
            await until(lambda: "not now" in caplog.text, seconds=60)
            mail_server.refuse = None
            world.execute("DROP FUNCTION forbid CASCADE")
            await until(lambda: world.states() == {"sent": 80}, seconds=60)
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 80)


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE ON chunk FOR EACH ROW WHEN (new.state = 'reserved' AND new.id",
        "INSERT ON attempt FOR EACH ROW WHEN (new.chunk_id",
    ],
)
def test_a_chunk_that_cannot_be_claimed_is_nobodys_and_takes_none_with_it(world, mail_server, monkeypatch, what):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.2)
    monkeypatch.setattr(retry, "LEFT_FOR", 1.0)
    mail_server.refuse = lambda _: b"451 4.7.1 later\r\n"

    async def leave(address, chunks):
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept(address))
            cached = "SELECT count(*)::int FROM chunk WHERE state = 'cached'"
            await until(lambda: world.rows(cached) == [(chunks,)], seconds=60)
        finally:
            await sender.stop()
            acceptance.close()

    async def send():
        sender = world.sender()
        sender.begin()
        sender.start()
        try:
            await until(lambda: world.states() == {"sent": 1, "requeued": 1}, seconds=60)
            await until(lambda: world.rows(free, last) == [("cached", 0)], seconds=60)
            world.execute("DROP FUNCTION forbid CASCADE")
            await until(lambda: world.states() == {"sent": 2}, seconds=60)
        finally:
            await sender.stop()

    asyncio.run(leave("a@customers.example", 1))
    asyncio.run(leave("b@customers.example", 2))
    mail_server.refuse = None
    world.execute("UPDATE chunk SET due_at = now() - interval '1 hour' / id")
    ((last,),) = world.rows("SELECT max(id) FROM chunk")
    world.execute(
        "CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;"
        f"CREATE TRIGGER forbid BEFORE {what} = {last}) EXECUTE FUNCTION forbid()"
    )
    free = (
        "SELECT state::text, (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND objid = c.id"
        f" AND classid = {CHUNK_LOCK} AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        " FROM chunk c WHERE id = %s"
    )
    asyncio.run(send())
    check_each_once(world, mail_server, 2)


@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_that_are_lost_again_and_again_lose_no_outcome(world, mail_server, seed):
    chance = random.Random(seed)
    mail_server.refuse = lambda recipient: (
        b"451 4.7.1 greylisted\r\n" if recipient.startswith("grey") and chance.random() < 0.6 else None
    )

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(150):
                kind = "grey" if number % 10 == 0 else "fine"
                sender.add(acceptance.accept(f"{kind}-{number}@customers.example"))
                await asyncio.sleep(0.005)
                if chance.random() < 0.15:
                    world.rows(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND application_name = 'ses-ops single messages' AND random() < 0.7"
                    )
            await until(lambda: not {"queued", "sending"} & set(world.states()))
            await until(lambda: world.states().get("sent", 0) >= 135)
            # The newest heartbeat may be the one whose session was lost.
            await until(lambda: sender.health().database_problem is None)
        finally:
            await sender.stop()
            acceptance.close()
        mail_server.refuse = None
        world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
        other = world.sender()
        other.begin()
        other.start()
        try:
            await until(lambda: world.states() == {"sent": 150})
        finally:
            await other.stop()

    asyncio.run(scene())
    check_each_once(world, mail_server, 150)


def test_postgresql_that_is_killed_in_mid_send_is_waited_for(tmp_path, mail_server):
    """On a server of its own. Two processes send: both lose their locks, and neither takes the other for dead."""
    server = PostgresServer.create()
    server.start()
    try:
        server.execute("CREATE DATABASE ses")
        upgrade(server.dsn("ses"))
        mail_server.delay = 0.02
        world = SingleWorld(dsn=server.dsn("ses"), templates=tmp_path / "templates", smtp_uri=mail_server.uri)

        async def scene():
            senders = [world.sender(options="connections=2") for _ in range(2)]
            acceptances = [world.acceptance(sender.begin()) for sender in senders]
            for sender, acceptance, name in zip(senders, acceptances, "ab", strict=True):
                sender.start()
                for number in range(4):
                    sender.add(acceptance.accept(*(f"{name}-{number}-{n}@customers.example" for n in range(60))))
                acceptance.close()
            await until(lambda: mail_server.total >= 60)
            # On a busy machine all mail could leave while PostgreSQL is being killed: the mail server stands still.
            killed = threading.Event()
            mail_server.refuse = lambda _: killed.wait(60) and None
            world.close()
            await asyncio.to_thread(server.kill)
            before = mail_server.total
            killed.set()
            # What is marked leaves while the database is unavailable.
            await until(lambda: mail_server.total > before)
            await until(lambda: all(sender.health().database_problem is not None for sender in senders))
            await asyncio.to_thread(server.start)
            world.conn = connect(world.dsn)
            await until(lambda: world.states() == {"sent": 480}, seconds=120)
            # The newest heartbeat may be the one that found no database.
            await until(lambda: all(sender.health().database_problem is None for sender in senders))
            for sender in senders:
                await sender.stop()

        asyncio.run(scene())
        assert not world.rows("SELECT 1 FROM message WHERE attempt_id IS NULL")
        check_each_once(world, mail_server, 480)
        world.close()
    finally:
        server.stop("immediate")
        server.remove()


@pytest.mark.parametrize("happened", [True, False])
def test_a_commit_whose_answer_was_lost_is_found_out_and_what_it_wrote_leaves_once(world, mail_server, happened):
    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        chunks = acceptance.chunks
        sender.start()
        try:
            sender.add(acceptance.accept("before@customers.example"))
            if happened:
                (lost,) = acceptance.accept("lost@customers.example")
                lost.chunk.admitted -= 1  # nobody gives it to the sender
                chunks.lost(lost.chunk)
            else:
                chunks.lost(chunks.take(DOMAIN, rows=1))
            sender.add(acceptance.accept("after@customers.example"))
            await until(lambda: world.states() == {"sent": 3 if happened else 2})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    assert (mail_server.accepted["lost@customers.example"] == 1) is happened
    assert world.rows("SELECT min(seq) FROM message WHERE address LIKE 'after%%'") == [(MOST_OF_CHUNK + 1,)]
    check_each_once(world, mail_server, 3 if happened else 2)


def test_a_chunk_whose_transaction_never_happened_is_forgotten(world, mail_server):
    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            day = acceptance.day()
            acceptance.chunks.lost(acceptance.chunks.open(acceptance.conn, DOMAIN, quota_day_id=day))
            acceptance.conn.rollback()
            await until(lambda: not acceptance.chunks.all())
            sender.add(acceptance.accept("after@customers.example"))
            await until(lambda: world.states() == {"sent": 1})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 1)


def test_a_mail_server_that_is_back_is_seen_without_any_mail(world, mail_server):
    uri = world.smtp_uri
    world.smtp_uri = uri.replace("smtp://", "smtp://somebody:secret@")

    async def scene():
        sender = world.sender(options="allow_plaintext_auth=true&auth_mechanism=PLAIN")
        sender.begin()
        sender.start()
        try:
            await until(lambda: sender.health().relay_problem is not None)
            sender._smtp = lambda: smtp_settings_from_connection_uri(uri)
            await until(lambda: sender.health().relay_problem is None)
        finally:
            await sender.stop()

    asyncio.run(scene())
