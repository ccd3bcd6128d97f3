"""A server that refuses everybody for one reason: the run stops with that reason and the list is not burnt."""

from __future__ import annotations

import pytest

from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp_refusals import ENOUGH, policy_kind
from tests.integration.smtp_servers.script import Act, Fault, Script, Step
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.sending import assert_lawful, send

RELAY = Act("relay", b"554 5.7.1 Relay access denied\r\n")
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
        (250, "2.0.0 ok", None),
        (None, "the connection broke", None),
    ],
)
def test_what_counts_as_a_refusal_of_the_sender(code: int | None, text: str, kind: str | None) -> None:
    assert policy_kind(Outcome(Delivery.FAILED, code, text)) == kind
