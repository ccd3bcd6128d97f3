"""A process that stood still (SIGSTOP, a suspended machine) while it sent: that time is no fault of the server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.flow.timers import awake_timeout
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp import addresses
from ses_ops.transports.smtp.stream import SmtpStream
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.smtp_servers.script import DROP, Fault, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import ListFeed, assert_lawful, envelopes, settings_for

#: Seconds for which the process stands still: longer than everything that a server has time for here.
STOOD_STILL = 4.0
LIMITS = {"timeout": 2.0, "unavailable_after": 1.0, "connections": 1}


def sent(server: ScriptedServer, during: Callable[[SmtpTransport], Awaitable[None]] | None = None) -> SmtpTransport:
    """A transport that has sent ten messages, with something that went on meanwhile."""
    feed, transport = ListFeed(envelopes(10)), SmtpTransport(settings_for(server, **LIMITS))
    transport.drain()

    async def main() -> None:
        run = asyncio.get_running_loop().create_task(transport.run(feed))
        if during is not None:
            await during(transport)
        await asyncio.wait_for(run, 120)

    run_in_loop(main())
    assert_lawful(server, feed)
    assert feed.count() == {Delivery.SENT: 10}
    return transport


def test_a_failure_before_it_stood_still_does_not_end_the_run() -> None:
    async def stand_still(transport: SmtpTransport) -> None:
        while transport._backoff.last is None:
            await asyncio.sleep(0)
        time.sleep(STOOD_STILL)

    with ScriptedServer(Script(faults=(Fault("banner", DROP),))) as server:
        sent(server, stand_still)


@pytest.mark.parametrize("step", ["waiting for the banner", "EHLO"])
def test_a_reply_that_came_meanwhile_is_no_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    caplog.set_level(logging.WARNING)
    good, stood = SmtpStream.reply, []

    async def reply(stream: SmtpStream, *, during: str, timeout: float) -> Any:
        if during == step and not stood:
            stood.append(during)
            asyncio.get_running_loop().call_soon(time.sleep, STOOD_STILL)  # in the turn in which the wait begins
        return await good(stream, during=during, timeout=timeout)

    monkeypatch.setattr(SmtpStream, "reply", reply)
    with ScriptedServer(Script()) as server:
        transport = sent(server)
    assert stood
    assert transport._backoff.last is None
    assert "SMTP connection failed" not in caplog.text
    assert "waiting for the server's greeting" not in caplog.text


def test_a_connection_that_was_made_meanwhile_is_taken() -> None:
    failover = addresses.AddressFailover("127.0.0.1", 25)
    tried = []

    async def connect(address: addresses.ServerAddress) -> str:
        tried.append(address)
        asyncio.get_running_loop().call_soon(time.sleep, STOOD_STILL)
        made = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, made.set_result, "connected")
        return await made

    _, connected = run_in_loop(failover.connect_first(connect, timeout=2.0))
    assert connected == "connected"
    assert len(tried) == 1


def test_a_wait_while_the_process_runs_ends_in_its_time() -> None:
    async def wait() -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with awake_timeout(0.5):
                await asyncio.sleep(120)
        return time.monotonic() - began

    assert 0.5 <= run_in_loop(wait()) < 60
