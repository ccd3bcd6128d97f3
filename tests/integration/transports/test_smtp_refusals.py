"""A server that refuses everybody for one reason: the run stops with that reason and the list is not burnt."""

from __future__ import annotations

import pytest

from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp_refusals import ENOUGH, ENOUGH_SINCE, for_now_kind, policy_kind
from tests.integration.smtp_servers.script import Act, Fault, Script, Step
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.sending import assert_lawful, send

RELAY = Act("relay", b"554 5.7.1 Relay access denied\r\n")
SUSPENDED = Act("suspended", b"550 5.7.1 account suspended\r\n")
THROTTLED = Act("throttled", b"454 4.7.0 Throttling failure: Maximum sending rate exceeded\r\n")
UNKNOWN_USER = Act("unknown user", b"550 5.1.1 no such user\r\n")


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("rcpt", "554 5.7.1 Relay access denied"),
        ("rcpt", "550 relay not permitted"),
        ("mail", "553 5.7.1 Sender address rejected: not owned by user"),
        ("final", "550 5.7.26 unauthenticated mail is not accepted"),
    ],
)
def test_a_server_that_refuses_everybody_alike_is_stopped_at_with_its_words(
    step: Step, reply: str, pipelining: bool
) -> None:
    fault = Fault(step, Act("refuse", reply.encode() + b"\r\n"), times=None)
    with ScriptedServer(Script(faults=(fault,), pipelining=pipelining)) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert reply in str(run.error)
    assert f"127.0.0.1:{server.port}" in str(run.error)
    assert_lawful(server, run.feed)
    count = run.feed.count()
    # Those under way at that moment get their own reply.
    assert ENOUGH <= count[Delivery.FAILED] <= ENOUGH + 8
    assert len(run.feed.taken) == count[Delivery.FAILED] + count[Delivery.DEFERRED] < 100


@pytest.mark.parametrize(("act", "delivery"), [(SUSPENDED, Delivery.FAILED), (THROTTLED, Delivery.DEFERRED)])
def test_a_server_that_turns_against_us_in_mid_run_is_not_offered_the_rest(act: Act, delivery: Delivery) -> None:
    with ScriptedServer(Script(faults=(Fault("rcpt", act, at=101, times=None),))) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert act.say.decode().strip() in str(run.error)
    assert f"the last {ENOUGH_SINCE} messages" in str(run.error)
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.SENT] == 100
    refused = [one for _, one in run.feed.of(delivery) if one.code is not None]
    assert ENOUGH_SINCE <= len(refused) <= ENOUGH_SINCE + 8
    assert len(run.feed.taken) < 100 + ENOUGH_SINCE + 50


def test_a_server_that_puts_everybody_off_is_not_offered_the_whole_list() -> None:
    with ScriptedServer(Script(faults=(Fault("final", THROTTLED, times=None),))) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert "454 4.7.0 Throttling failure" in str(run.error)
    assert "tried again by itself" in str(run.error)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.DEFERRED: len(run.feed.taken)}
    assert ENOUGH <= len(run.feed.taken) < 100


def test_a_list_that_is_too_big_for_the_server_is_not_burnt() -> None:
    with ScriptedServer(Script(size=20)) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert "5.3.4 the message has" in str(run.error)
    assert not any(line.startswith("MAIL") for line in server.commands)
    assert run.feed.count()[Delivery.FAILED] == ENOUGH
    assert len(run.feed.taken) < 100


def test_an_accepted_message_in_between_makes_the_count_of_refusals_begin_anew() -> None:
    faults = tuple(Fault("rcpt", SUSPENDED, at=2 + n * ENOUGH_SINCE, times=ENOUGH_SINCE - 1) for n in range(3))
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 3 * ENOUGH_SINCE, connections=1, timeout=10)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 3, Delivery.FAILED: 3 * (ENOUGH_SINCE - 1)}


def test_a_server_that_puts_most_off_gets_less_and_when_it_takes_mail_again_more() -> None:
    slowed: list[float | None] = []
    fault = Fault("final", THROTTLED, at=101, times=70)
    with ScriptedServer(Script(faults=(fault,))) as server:
        run = send(
            server,
            400,
            connections=4,
            timeout=10,
            on_outcome=lambda transport, _, outcome: slowed.append(transport.slowed_to),
        )
    assert run.error is None
    assert_lawful(server, run.feed)
    assert slowed[:140] == [None] * 140
    lowest = min(rate for rate in slowed if rate is not None)
    assert slowed[-1] is None or slowed[-1] > lowest


@pytest.mark.parametrize(
    "faults",
    [
        (Fault("rcpt", UNKNOWN_USER, times=None),),
        (Fault("rcpt", RELAY, at=2, times=None),),
        (Fault("rcpt", RELAY, times=ENOUGH - 1),),
    ],
    ids=["no such users", "after an acceptance", "not yet enough"],
)
def test_other_refusals_are_the_recipients_own(faults: tuple[Fault, ...]) -> None:
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 200, connections=1, timeout=10)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert len(run.feed.outcomes) == 200
    assert run.feed.count()[Delivery.FAILED] in (200, 199, ENOUGH - 1)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (554, "5.7.1 <a@b.example>: Relay access denied", "554 5.7.1"),
        (550, "5.7.26 unauthenticated", "550 5.7.26"),
        (550, "5.1.8 Sender address rejected: Domain not found", "550 5.1.8"),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "553 5.7.1"),
        (554, "no", "554"),
        (550, "Relaying denied", "550"),
        (530, "Authentication required", "530"),
        (550, "5.1.1 user unknown", None),
        (554, "5.6.0 bad content", None),
        (550, "no such user here", None),
        (550, "host 5.7.1.2 says no", None),
        (454, "4.7.1 Relay access denied", None),
        (552, "5.3.4 the message has 9000000 bytes, and this server takes at most 8000000", "552 5.3.4"),
        (250, "2.0.0 ok", None),
        (None, "the connection broke", None),
    ],
)
def test_what_counts_as_a_refusal_of_the_sender(code: int | None, text: str, kind: str | None) -> None:
    assert policy_kind(Outcome(Delivery.FAILED, code, text)) == kind


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (454, "Throttling failure: Maximum sending rate exceeded.", "454"),
        (454, "4.7.0 Temporary authentication failure", "454 4.7.0"),
        (452, "4.3.1 Insufficient system storage", "452 4.3.1"),
        (451, "4.7.650 rate limited", "451 4.7.650"),
        (452, "4.2.2 mailbox full", None),
        (450, "4.1.2 Domain not found", None),
        (451, "4.4.1 no answer from host", None),
        (450, "mailbox busy", None),
        (451, "4.7.1 Greylisting in action, please come back later", None),
        (550, "5.7.1 no", None),
        (None, "the connection broke", None),
    ],
)
def test_what_counts_as_put_off_for_a_reason_of_the_servers(code: int | None, text: str, kind: str | None) -> None:
    assert for_now_kind(Outcome(Delivery.DEFERRED, code, text)) == kind
