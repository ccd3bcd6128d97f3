"""A server's name with two addresses, one of which does not work: the other is used, and first from then on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.addresses import AddressFailover, ServerAddress
from tests.integration.smtp_servers.script import Act, Fault, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import assert_lawful, send

NAME = "relay.example"


class Second(ScriptedServer):
    host = "127.0.0.2"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A good server at 127.0.0.1; the name stands for 127.0.0.2 and for that, in this order."""
    with ScriptedServer() as server:

        def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
            assert host == NAME
            facts = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*facts, (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        yield server


def black_hole(port: int, stack: ExitStack) -> None:
    """A full backlog: the kernel drops whatever asks for a connection."""
    listening = stack.enter_context(socket.socket())
    listening.bind(("127.0.0.2", port))
    listening.listen(0)
    for _ in range(3):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(("127.0.0.2", port))


@pytest.mark.parametrize("kind", ["black hole", "nothing", "unwilling"])
def test_the_other_address_is_used_and_first_from_then_on(server: ScriptedServer, kind: str) -> None:
    with ExitStack() as stack:
        if kind == "black hole":
            black_hole(server.port, stack)
        elif kind == "unwilling":
            unwilling = Fault("banner", Act("554", b"554 5.3.2 no service\r\n"), times=None)
            stack.enter_context(Second(Script(faults=(unwilling,)), port=server.port))
        # One attempt at the black hole is all that the patience has room for.
        run = send(server, 60, host=NAME, timeout=2.0, unavailable_after=1.5, connections=3, loop=asyncio.run)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 60}


def test_when_no_address_works_the_error_tells_of_each(server: ScriptedServer) -> None:
    with ExitStack() as stack:
        black_hole(server.port, stack)
        server.close_listening()
        run = send(server, 5, host=NAME, timeout=2.0, unavailable_after=0.3, loop=asyncio.run)
    assert f"{NAME}:{server.port}" in str(run.error)
    assert "127.0.0.2: no connection in time" in str(run.error)
    assert "cannot connect" in str(run.error)


def test_the_address_that_failed_least_comes_first(server: ScriptedServer) -> None:
    tried = []

    async def main(broken: str) -> None:
        async def connect(place: ServerAddress) -> None:
            tried.append(place.host)
            if place.host == broken:
                raise ConnectionRefusedError

        place, _ = await route.connect_first(connect, timeout=5)
        route.succeeded(place)

    route = AddressFailover(NAME, 25)
    for broken in ("127.0.0.2", "", "127.0.0.1", ""):
        asyncio.run(main(broken))
    assert tried == ["127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"]
