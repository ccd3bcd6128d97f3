"""Trouble in the middle of a long upload: whether the final dot has left decides if a message may be sent again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery
from tests.integration.smtp_servers.script import (
    CLOSE,
    CLOSING,
    DROP,
    FREEZE,
    GARBAGE,
    HANG,
    OVERLONG,
    PERMANENT,
    TEMPORARY,
    Act,
    Fault,
    Script,
)
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import assert_lawful, envelopes, send

#: More than the buffers of two sockets hold.
LONG = b"Subject: long\r\n\r\n" + (b"x" * 76 + b"\r\n") * 200_000


def send_long(act: Act, *, pipelining: bool, **options: Any) -> tuple[ScriptedServer, Any]:
    given = envelopes(3)
    given[1] = given[1]._replace(content=LONG)
    fault = Fault("content", act, recipient=given[1].recipient)
    with ScriptedServer(Script(faults=(fault,), pipelining=pipelining)) as server:
        run = send(server, given, connections=1, unavailable_after=5, **options)
    assert server.misbehaved == 1
    assert_lawful(server, run.feed)
    assert run.feed.outcomes[1].delivery is Delivery.SENT
    assert run.feed.outcomes[3].delivery is Delivery.SENT
    return server, run


@pytest.mark.parametrize("loop", [run_in_loop, asyncio.run], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize(
    ("act", "delivery"),
    [
        *((act, Delivery.DEFERRED) for act in (DROP, CLOSE, FREEZE, GARBAGE, OVERLONG, CLOSING, TEMPORARY)),
        (PERMANENT, Delivery.FAILED),
        # It reads to the end, and says nothing.
        (HANG, Delivery.UNKNOWN),
    ],
    ids=lambda value: value.name,
)
def test_a_message_whose_final_dot_has_not_left_is_deferred_not_in_doubt(
    act: Act, delivery: Delivery, pipelining: bool, loop: Any
) -> None:
    _, run = send_long(act, pipelining=pipelining, timeout=0.6 if act in (FREEZE, HANG) else 30, loop=loop)
    outcome = run.feed.outcomes[2]
    assert outcome.delivery is delivery, outcome
    if act in (DROP, CLOSE, FREEZE, GARBAGE, OVERLONG):
        assert "before the final dot" in outcome.text


def test_an_upload_that_stands_still_is_given_the_timeout_and_the_answer_to_it_the_data_timeout() -> None:
    _, frozen = send_long(FREEZE, pipelining=True, timeout=0.6, data_timeout=60.0)
    assert "nothing moved within 0.6 s" in frozen.feed.outcomes[2].text
    _, silent = send_long(HANG, pipelining=True, timeout=60.0, data_timeout=0.6)
    assert "no reply to FINAL within 0.6 s" in silent.feed.outcomes[2].text


def test_a_server_that_takes_its_time_over_the_final_dot_is_waited_for() -> None:
    # A second connection is refused: that is no reason to give up on the first, which is at work.
    with ScriptedServer(Script(delay=1.2, max_connections=1)) as server:
        run = send(server, 3, connections=2, timeout=0.3, data_timeout=20.0, unavailable_after=0.5)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 3}
    assert_lawful(server, run.feed)


def test_a_server_that_falls_silent_costs_one_message_a_connection_and_one_that_shows_it() -> None:
    with ScriptedServer(Script(faults=(Fault("final", HANG, at=41, times=None),))) as server:
        run = send(server, 500, connections=8, timeout=0.3, data_timeout=0.6, unavailable_after=1.0)
    assert "no reply to FINAL" in str(run.error)
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.SENT] == 40
    assert run.feed.count()[Delivery.UNKNOWN] <= 8 + 4, run.feed.count()
