"""Every fault at every step: exactly one outcome an envelope, true to what the server did, and no hanging."""

from __future__ import annotations

import asyncio

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st

from ses_ops.transports.port import Delivery
from tests.integration.smtp_servers.scripted import (
    CLOSE,
    CLOSING,
    DROP,
    ENDLESS,
    GARBAGE,
    HALF_LINE,
    HALF_LINE_CLOSE,
    HALF_REPLY,
    HANG,
    OVERLONG,
    PERMANENT,
    TAKEN_THEN_DROP,
    TAKEN_THEN_GARBAGE,
    TAKEN_THEN_HANG,
    TEMPORARY,
    WRONG_CODE,
    Act,
    Fault,
    Script,
    ScriptedServer,
    Step,
)
from tests.integration.transports.sending import assert_lawful, envelopes, send

OPENING_STEPS: list[Step] = ["banner", "ehlo"]
MAIL_STEPS: list[Step] = ["mail", "rcpt", "data", "final"]
LOSSES = [DROP, CLOSE, HANG, GARBAGE, HALF_LINE, HALF_LINE_CLOSE, HALF_REPLY, OVERLONG, ENDLESS, CLOSING, WRONG_CODE]
REFUSALS = [TEMPORARY, PERMANENT]
TAKEN = [TAKEN_THEN_DROP, TAKEN_THEN_GARBAGE, TAKEN_THEN_HANG]


def name(value: object) -> str | None:
    return value.name if isinstance(value, Act) else None


@pytest.mark.parametrize("act", LOSSES + REFUSALS, ids=name)
@pytest.mark.parametrize(
    ("step", "at", "pipelining"),
    [(step, 1, True) for step in OPENING_STEPS]
    + [(step, at, pipelining) for step in MAIL_STEPS for at, pipelining in ((1, True), (5, True), (5, False))],
)
def test_one_fault_costs_at_most_one_connection_and_the_law_holds(
    step: Step, act: Act, at: int, pipelining: bool
) -> None:
    with ScriptedServer(Script(faults=(Fault(step, act, at=at),), pipelining=pipelining)) as server:
        run = send(server, 20, connections=2, timeout=0.25)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert len(run.feed.outcomes) == 20
    assert run.feed.count()[Delivery.SENT] >= 18
    assert run.seconds < 3


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize(
    ("step", "act", "delivery"),
    [
        ("mail", TEMPORARY, Delivery.DEFERRED),
        ("mail", PERMANENT, Delivery.FAILED),
        ("rcpt", TEMPORARY, Delivery.DEFERRED),
        ("rcpt", PERMANENT, Delivery.FAILED),
        ("rcpt", DROP, Delivery.DEFERRED),
        ("rcpt", CLOSING, Delivery.DEFERRED),
        ("data", TEMPORARY, Delivery.DEFERRED),
        ("data", PERMANENT, Delivery.FAILED),
        ("data", HANG, Delivery.DEFERRED),
        ("final", TEMPORARY, Delivery.DEFERRED),
        ("final", PERMANENT, Delivery.FAILED),
        ("final", CLOSING, Delivery.DEFERRED),
        ("final", DROP, Delivery.UNKNOWN),
        ("final", HANG, Delivery.UNKNOWN),
        ("final", GARBAGE, Delivery.UNKNOWN),
        ("final", HALF_LINE, Delivery.UNKNOWN),
        ("final", OVERLONG, Delivery.UNKNOWN),
        ("final", WRONG_CODE, Delivery.UNKNOWN),
        *[("final", act, Delivery.UNKNOWN) for act in TAKEN],
    ],
    ids=lambda value: value.name if isinstance(value, Act | Delivery) else str(value),
)
def test_the_message_that_met_the_fault_has_the_outcome_that_fits(
    step: Step, act: Act, delivery: Delivery, pipelining: bool
) -> None:
    with ScriptedServer(Script(faults=(Fault(step, act, at=4),), pipelining=pipelining)) as server:
        run = send(server, 12, connections=1, timeout=0.25)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert run.feed.outcomes[4].delivery is delivery
    others = [outcome.delivery for seq, outcome in run.feed.outcomes.items() if seq != 4]
    assert others == [Delivery.SENT] * 11
    if act in [*REFUSALS, CLOSING]:
        assert run.feed.outcomes[4].code == int(act.say[:3])


@pytest.mark.parametrize("act", [DROP, CLOSE, HANG, CLOSING, GARBAGE], ids=name)
def test_a_message_whose_mail_command_met_the_fault_is_sent_on_another_connection(act: Act) -> None:
    with ScriptedServer(Script(faults=(Fault("mail", act, at=4),))) as server:
        run = send(server, 12, connections=1)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 12}


def test_a_message_that_loses_every_connection_is_deferred_not_tried_for_ever() -> None:
    with ScriptedServer(Script(faults=(Fault("mail", DROP, at=4, times=3),))) as server:
        run = send(server, 12, connections=1)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 11, Delivery.DEFERRED: 1}


@pytest.mark.parametrize("act", [DROP, HANG, GARBAGE, CLOSING, HALF_LINE], ids=name)
@pytest.mark.parametrize("step", OPENING_STEPS + MAIL_STEPS)
def test_a_server_that_always_fails_ends_the_run_in_time_with_its_name_and_reason(step: Step, act: Act) -> None:
    with ScriptedServer(Script(faults=(Fault(step, act, times=None),))) as server:
        run = send(server, 500, connections=3, timeout=0.2, unavailable_after=0.6)
    assert run.error is not None
    assert f"127.0.0.1:{server.port}" in str(run.error)
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.SENT] == 0
    assert len(run.feed.taken) < 50, "a server in trouble must not eat the whole feed"
    assert run.seconds < 4


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
def test_a_refused_recipient_with_data_let_in_ends_with_a_lone_dot_and_no_delivery(pipelining: bool) -> None:
    script = Script(faults=(Fault("rcpt", PERMANENT, at=3),), data_without_recipient=True, pipelining=pipelining)
    with ScriptedServer(script) as server:
        run = send(server, 6, connections=1)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 5, Delivery.FAILED: 1}
    assert server.empty_messages == (1 if pipelining else 0)
    assert all(message.content for message in server.messages)


def test_the_content_arrives_byte_for_byte_with_its_dots() -> None:
    contents = [
        b".\r\n",
        b"a\r\n.\r\n..\r\n.b\r\n",
        b"x",
        b"",
        b"a\r\n\r\n.",
        b"lone\r\n.\r\nRCPT TO:<evil@example.com>\r\n",
    ]
    given = [e._replace(content=c) for c, e in zip(contents, envelopes(len(contents)), strict=True)]
    with ScriptedServer() as server:
        run = send(server, given, connections=1)
    assert run.feed.count() == {Delivery.SENT: len(contents)}
    expected = [c if c.endswith(b"\r\n") or not c else c + b"\r\n" for c in contents]
    assert [message.content for message in server.messages] == expected


def test_replies_that_come_byte_by_byte_are_understood() -> None:
    with ScriptedServer(Script(dribble=True)) as server:
        run = send(server, 10, connections=2, timeout=5)
    assert run.feed.count() == {Delivery.SENT: 10}
    assert_lawful(server, run.feed)


def test_the_standard_event_loop_serves_as_well() -> None:
    with ScriptedServer(Script(faults=(Fault("final", TAKEN_THEN_DROP, at=3),))) as server:
        run = send(server, 20, loop=asyncio.run)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 19, Delivery.UNKNOWN: 1}


faults = st.builds(
    Fault,
    step=st.sampled_from(["connect", "banner", "ehlo", "mail", "rcpt", "data", "final", "rset"]),
    act=st.sampled_from([*LOSSES, *REFUSALS, *TAKEN]),
    at=st.integers(1, 25),
    times=st.integers(1, 4),
)


@hypothesis.given(
    faults=st.lists(faults, max_size=6), pipelining=st.booleans(), connections=st.integers(1, 4), lone=st.booleans()
)
@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_law_holds_under_any_mixture_of_faults(
    faults: list[Fault], pipelining: bool, connections: int, lone: bool
) -> None:
    script = Script(faults=tuple(faults), pipelining=pipelining, data_without_recipient=lone)
    with ScriptedServer(script) as server:
        run = send(server, 25, connections=connections, timeout=0.1, unavailable_after=0.6)
    assert_lawful(server, run.feed)
    if run.error is None:
        assert len(run.feed.outcomes) == 25
