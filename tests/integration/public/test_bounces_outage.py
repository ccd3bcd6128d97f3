"""A bounce that was answered 250 is recorded, whatever was away meanwhile; what cannot be kept is answered 451."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ses_ops.events.tokens import LENGTH, Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from ses_ops.storage.migrate import upgrade
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.bounce_process import BounceProcess
from tests.integration.public.test_bounces import DOMAIN, report
from tests.integration.sending_world import World
from tests.postgres_server import DURABLE, PostgresServer


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer.create(DURABLE)
    server.start()
    upgrade(server.dsn())
    yield server
    with suppress(Exception):
        server.stop("immediate")
    server.remove()


@pytest.fixture
def mailing(server, tmp_path) -> Iterator[Mailing]:
    world = World(dsn=server.dsn(), templates=tmp_path / "templates")
    yield sent(world, "spring", [f"r{n}@example.org" for n in range(6)])
    world.close()


def test_a_bounce_survives_database_and_listener(server, mailing, tmp_path) -> None:
    maker = TokenMaker(token_secrets(mailing.world.conn)[0], Purpose.BOUNCE)
    mailing.world.conn.rollback()
    keys = [mailing.key(seq) for seq in range(1, 7)]
    to = [f"b-{maker.make(key.occurrence_id, key.seq, key.address_check)}@{DOMAIN}" for key in keys]
    mails = [report(one, address) for one, address in zip(to, mailing.addresses, strict=True)]
    listener = BounceProcess(dsn=server.dsn(), spool=tmp_path / "spool")
    listener.start()
    try:
        assert listener.deliver(to[0], mails[0])[0] == 250
        mailing.world.conn.close()
        server.stop("immediate")
        for number in (1, 2, 3):
            assert listener.deliver(to[number], mails[number])[0] == 250
        # Its secret may be newer than what the listener has read; nobody can say now.
        assert listener.deliver(f"b-{'0' * LENGTH}@{DOMAIN}", mails[0])[0] == 451
        assert listener.deliver(f"postmaster@{DOMAIN}", mails[0])[0] == 550
        listener.kill()
        listener.start()
        assert listener.deliver(to[3], mails[3])[0] == 250, "again, by a server that heard no answer"
        assert listener.deliver(to[4], mails[4])[0] == 250
        server.start()
        again = World(dsn=server.dsn(), templates=tmp_path / "templates")
        end = time.monotonic() + 60
        found: list[tuple[int]] = []
        while len(found) < 5 and time.monotonic() < end:
            time.sleep(0.2)
            found = again.rows("SELECT seq FROM message_event ORDER BY seq")
        assert found == [(1,), (2,), (3,), (4,), (5,)], listener.log
        again.close()
    finally:
        listener.kill()
