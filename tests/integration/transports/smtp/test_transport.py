"""The pool: how many connections, how fast, and how a run ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery, Envelope, Outcome
from ses_ops.transports.smtp.pipelining import Pipelining
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.smtp_servers.script import CLOSE, CLOSING, DROP, HANG, PERMANENT, Fault, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import ListFeed, assert_lawful, envelopes, send, settings_for


async def seen(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so; 60 s are far more than a busy machine needs."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"never seen: {what}"
        await asyncio.sleep(0.005)


def test_many_messages_arrive_once_each_over_all_connections() -> None:
    with ScriptedServer() as server:
        run = send(server, 3000, connections=10, timeout=10)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 3000}
    assert_lawful(server, run.feed)
    assert 2 <= server.most_connections <= 10
    assert server.commands.count("QUIT") == server.connections


def test_three_messages_do_not_open_twenty_connections() -> None:
    with ScriptedServer(Script(delay=0.05)) as server:
        run = send(server, 3, connections=20)
    assert run.feed.count() == {Delivery.SENT: 3}
    assert server.connections <= 3


def test_an_empty_feed_opens_no_connection() -> None:
    with ScriptedServer() as server:
        run = send(server, 0)
    assert run.error is None
    assert server.connections == 0


def test_a_message_costs_one_two_or_four_round_trips() -> None:
    turns = {}
    for mode in (Pipelining.ACROSS, Pipelining.GROUP, Pipelining.NONE):
        with ScriptedServer() as server:
            turns[mode] = count_writes(server, 50, pipelining=mode)
    # Opening and QUIT take 3 writes, the first message 1 more.
    assert turns[Pipelining.ACROSS] <= 50 + 5
    assert 2 * 50 <= turns[Pipelining.GROUP] <= 2 * 50 + 5
    assert turns[Pipelining.NONE] >= 4 * 50


def count_writes(server: ScriptedServer, count: int, **options: Any) -> int:
    from ses_ops.transports.smtp.connection import MailConnection

    writes = 0
    original = MailConnection._write

    def counting(self: MailConnection, *args: object) -> None:
        nonlocal writes
        writes += 1
        original(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MailConnection, "_write", counting)
        run = send(server, count, connections=1, timeout=5, **options)
    assert run.feed.count() == {Delivery.SENT: count}
    return writes


def test_a_server_that_allows_five_connections_gets_everything_over_five() -> None:
    with ScriptedServer(Script(max_connections=5, delay=0.002)) as server:
        run = send(server, 500, connections=20, timeout=5)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 500}
    assert server.connections < 40, "it kept asking for connections that it does not get"


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
def test_a_limit_of_messages_a_connection_costs_no_message(pipelining: bool) -> None:
    with ScriptedServer(Script(max_messages_per_connection=10, pipelining=pipelining)) as server:
        run = send(server, 400, connections=8, timeout=5)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 400}
    assert_lawful(server, run.feed)


def test_a_server_that_restarts_loses_nothing_but_what_is_in_doubt() -> None:
    faults = (Fault("final", DROP, at=50, times=3), Fault("banner", CLOSING, at=4, times=5))
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 300, connections=3, unavailable_after=5)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.UNKNOWN] <= 3
    assert run.feed.count()[Delivery.SENT] >= 290


def test_nothing_listening_is_transport_unavailable_with_host_port_and_advice() -> None:
    with ScriptedServer() as server:
        port = server.port
    feed = ListFeed(envelopes(5))
    transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, unavailable_after=0.3, connections=4))
    transport.drain()
    started = time.monotonic()
    with pytest.raises(TransportUnavailable, match=rf"127\.0\.0\.1:{port}.*check host and port"):
        run_in_loop(transport.run(feed))
    assert time.monotonic() - started < 30
    assert feed.count() == {Delivery.DEFERRED: len(feed.taken)}


def test_a_host_that_does_not_exist_is_named() -> None:
    transport = SmtpTransport(SmtpSettings(host="no-such-host.invalid", port=25, unavailable_after=0.2))
    with pytest.raises(TransportUnavailable, match=r"no-such-host\.invalid:25"):
        run_in_loop(transport.run(ListFeed(envelopes(1))))


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
def test_stop_finishes_what_is_under_way_and_takes_no_more(pipelining: bool) -> None:
    def stop_at_ten(transport: SmtpTransport, envelope: Envelope, outcome: Outcome) -> None:
        if envelope.seq == 10:
            transport.stop()

    with ScriptedServer(Script(pipelining=pipelining)) as server:
        run = send(server, 1000, on_outcome=stop_at_ten, connections=3, timeout=5)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert 10 <= len(run.feed.taken) < 40
    assert run.feed.count()[Delivery.UNKNOWN] == 0


def test_a_feed_that_was_empty_is_asked_again_after_wake() -> None:
    with ScriptedServer() as server:
        feed = ListFeed([])
        transport = SmtpTransport(settings_for(server))

        async def main() -> None:
            running = asyncio.create_task(transport.run(feed))
            for start in range(1, 31, 10):
                feed.waiting.extend(envelopes(40)[start - 1 : start + 9])
                transport.wake()
                await seen(lambda start=start: len(feed.outcomes) == start + 9, "outcomes of what woke it")
            assert not running.done()
            assert feed.count() == {Delivery.SENT: 30}
            transport.drain()
            await asyncio.wait_for(running, 60)

        run_in_loop(main())
        assert_lawful(server, feed)


def test_work_that_an_outcome_brings_back_is_sent_before_a_drained_run_ends() -> None:
    with ScriptedServer(Script(faults=(Fault("rcpt", PERMANENT, at=3),))) as server:
        feed = ListFeed(envelopes(3))

        def again(envelope: Envelope, outcome: Outcome) -> None:
            if outcome.delivery is Delivery.FAILED:
                feed.waiting.append(envelope._replace(seq=100))

        feed.on_outcome = again
        transport = SmtpTransport(settings_for(server))
        transport.drain()
        run_in_loop(transport.run(feed))
    assert feed.outcomes[100].delivery is Delivery.SENT


@pytest.mark.parametrize("act", [CLOSE, CLOSING])
def test_a_connection_that_the_server_closed_while_idle_is_replaced(act: object) -> None:
    with ScriptedServer() as server:
        feed = ListFeed(envelopes(1))
        transport = SmtpTransport(settings_for(server, connections=1))

        async def main() -> None:
            running = asyncio.create_task(transport.run(feed))
            await seen(lambda: len(feed.outcomes) == 1, "outcome of the first message")
            server.close_connections(b"421 4.4.2 idle too long\r\n" if act is CLOSING else b"")
            await seen(lambda: not transport._connections, "end of the idle connection")
            feed.waiting.append(envelopes(2)[1])
            transport.wake()
            transport.drain()
            await asyncio.wait_for(running, 60)

        run_in_loop(main())
    assert feed.count() == {Delivery.SENT: 2}
    assert server.connections == 2


def test_a_cancelled_run_settles_everything_it_took() -> None:
    with ScriptedServer(Script(faults=(Fault("final", HANG, at=5, times=None),))) as server:
        feed = ListFeed(envelopes(100))
        transport = SmtpTransport(settings_for(server, timeout=30))

        async def main() -> None:
            running = asyncio.create_task(transport.run(feed))
            await seen(lambda: server.misbehaved == 3, "silence on all connections")
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        run_in_loop(main())
        assert_lawful(server, feed)
        assert feed.count()[Delivery.UNKNOWN] == 3


@pytest.mark.parametrize("where", ["next_envelope", "outcome"])
def test_an_error_of_the_feed_ends_the_run_with_that_error_and_no_envelope_in_the_air(where: str) -> None:
    class Broken(ListFeed):
        def next_envelope(self) -> Envelope | None:
            if where == "next_envelope" and len(self.taken) == 20:
                raise RuntimeError("the ledger is gone")
            return super().next_envelope()

        def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
            super().outcome(envelope, outcome)
            if where == "outcome" and len(self.outcomes) == 20:
                raise RuntimeError("the ledger is gone")

    with ScriptedServer() as server:
        feed = Broken(envelopes(100))
        transport = SmtpTransport(settings_for(server))
        with pytest.raises(RuntimeError, match="the ledger is gone"):
            run_in_loop(transport.run(feed))
    assert_lawful(server, feed)
    assert len(feed.taken) < 40


@pytest.mark.parametrize(("rate", "count"), [(100, 60), (400, 200)])
def test_the_rate_holds_over_all_connections_and_is_reached(rate: float, count: int) -> None:
    def run_once() -> float:
        with ScriptedServer() as server:
            run = send(server, count, connections=10, timeout=5, max_messages_per_second=rate)
        assert run.feed.count() == {Delivery.SENT: count}
        assert run.seconds >= (count - 1) / rate - 0.03
        return run.seconds

    # A busy machine delays a run: that the rate is reached, one of three shows.
    assert any(run_once() < 2.5 * count / rate + 0.5 for _ in range(3))


def test_a_slow_server_gets_enough_connections_to_reach_the_rate() -> None:
    def run_once() -> float:
        with ScriptedServer(Script(delay=0.1)) as server:
            run = send(server, 60, connections=20, timeout=5, max_messages_per_second=100)
        assert run.feed.count() == {Delivery.SENT: 60}
        return run.seconds

    assert any(run_once() < 2.5 for _ in range(3)), "one connection alone would take 6 s"


def test_a_rate_can_be_changed_while_running_and_slow_ones_do_not_delay_the_end() -> None:
    with ScriptedServer() as server:
        feed = ListFeed(envelopes(30))
        transport = SmtpTransport(settings_for(server, max_messages_per_second=0.01))

        async def main() -> None:
            running = asyncio.create_task(transport.run(feed))
            await seen(lambda: bool(feed.outcomes), "first outcome")
            assert len(feed.outcomes) == 1, "the next one is due in 100 s"
            transport.set_rate(1000)
            await seen(lambda: len(feed.outcomes) == 30, "all the others at the new rate")
            transport.set_rate(0.01)
            transport.drain()
            await asyncio.wait_for(running, 60)

        run_in_loop(main())
        assert_lawful(server, feed)


def test_a_slow_upload_is_not_silence() -> None:
    big = envelopes(1, content=(b"x" * 998 + b"\r\n") * 25_000)
    with ScriptedServer(Script(slow_reading=0.006)) as server:
        run = send(server, big, connections=1, timeout=1.0, data_timeout=10.0)
    assert run.feed.count() == {Delivery.SENT: 1}
    assert run.seconds > 1.5, "the upload was too quick to show anything"
