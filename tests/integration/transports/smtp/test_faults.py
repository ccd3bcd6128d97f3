"""Mixtures of faults, and cases that the table of single faults (test_smtp_fault_matrix.py) does not hold."""

from __future__ import annotations

import asyncio

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st

from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.pipelining import Pipelining
from tests.integration.smtp_servers.script import (
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
    Behind,
    Fault,
    Group,
    Script,
)
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import assert_lawful, envelopes, send

LOSSES = [DROP, CLOSE, HANG, GARBAGE, HALF_LINE, HALF_LINE_CLOSE, HALF_REPLY, OVERLONG, ENDLESS, CLOSING, WRONG_CODE]
REFUSALS = [TEMPORARY, PERMANENT]
TAKEN = [TAKEN_THEN_DROP, TAKEN_THEN_GARBAGE, TAKEN_THEN_HANG]


def test_a_message_that_loses_every_connection_is_deferred_not_tried_for_ever() -> None:
    with ScriptedServer(Script(faults=(Fault("mail", DROP, at=4, times=4),))) as server:
        run = send(server, 12, connections=1)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 11, Delivery.DEFERRED: 1}


@pytest.mark.parametrize("act", [TEMPORARY, PERMANENT], ids=lambda act: act.name)
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
def test_a_refused_sender_whose_recipient_is_taken_all_the_same_gets_no_empty_mail(pipelining: bool, act: Act) -> None:
    script = Script(faults=(Fault("mail", act),), mail_despite_refusal=True, pipelining=pipelining)
    with ScriptedServer(script) as server:
        run = send(server, 6, connections=1)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 5, Delivery.DEFERRED: 1}
    assert all(message.content for message in server.messages)


def test_a_server_that_keeps_what_it_refused_after_the_content_is_told_to_forget_it() -> None:
    script = Script(faults=(Fault("final", TEMPORARY, at=2),), keeps_refused=True, pipelining=False)
    with ScriptedServer(script) as server:
        run = send(server, 5, connections=1)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.SENT: 4, Delivery.DEFERRED: 1}


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
    step=st.sampled_from(["banner", "ehlo", "mail", "rcpt", "data", "final", "rset"]),
    act=st.sampled_from([*LOSSES, *REFUSALS, *TAKEN]),
    at=st.integers(1, 25),
    times=st.integers(1, 4),
)


@hypothesis.given(
    faults=st.lists(faults, max_size=6),
    mode=st.sampled_from(Pipelining),
    connections=st.integers(1, 4),
    lone=st.booleans(),
    behind=st.sampled_from(["borne", "refused", "discarded", "halved", "crash"]),
    group=st.sampled_from(["borne", "refused", "discarded", "crash"]),
)
@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_law_holds_under_any_mixture_of_faults(
    faults: list[Fault], mode: Pipelining, connections: int, lone: bool, behind: Behind, group: Group
) -> None:
    script = Script(faults=tuple(faults), data_without_recipient=lone, behind=behind, group=group)
    with ScriptedServer(script) as server:
        run = send(server, 25, connections=connections, timeout=0.1, unavailable_after=0.6, pipelining=mode)
    assert_lawful(server, run.feed)
    if run.error is None:
        assert len(run.feed.outcomes) == 25
