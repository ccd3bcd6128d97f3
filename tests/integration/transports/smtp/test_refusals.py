"""A server that refuses everybody for one reason: the run stops with that reason and the list is not burnt."""

from __future__ import annotations

from typing import Any

import pytest

from ses_ops.transports.errors import MailRefused
from ses_ops.transports.flow.refusal_streak import LIMIT_AFTER_SUCCESS, LIMIT_BEFORE_SUCCESS
from ses_ops.transports.port import Delivery, Envelope, Outcome
from ses_ops.transports.smtp.pipelining import Pipelining
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.smtp_servers.script import Act, Fault, Script, Step
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import Run, assert_lawful, send

RELAY = Act("relay", b"554 5.7.1 Relay access denied\r\n")
SUSPENDED = Act("suspended", b"550 5.7.1 account suspended\r\n")
THROTTLED = Act("throttled", b"454 4.7.0 Throttling failure: Maximum sending rate exceeded\r\n")
UNKNOWN_USER = Act("unknown user", b"550 5.1.1 no such user\r\n")


@pytest.mark.parametrize("pipelining", list(Pipelining), ids=lambda mode: mode.value)
@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("rcpt", "554 5.7.1 Relay access denied"),
        ("rcpt", "550 relay not permitted"),
        ("rcpt", "550 5.1.0 <news@mail.example.com>: Sender address rejected: User unknown in local recipient table"),
        ("rcpt", "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"),
        ("rcpt", "550 Sender verify failed"),
        ("rcpt", "550 Administrative prohibition"),
        ("rcpt", "550 Invalid recipient: <user1@example.com>"),
        ("rcpt", "550 5.1.1 no such user"),
        ("rcpt", "550 words that nobody here has ever read"),
        ("data", "554 no"),
        ("final", "550 5.7.26 unauthenticated mail is not accepted"),
        ("final", "571 words that nobody here has ever read"),
    ],
)
def test_a_server_that_refuses_everybody_is_stopped_at_with_its_words_and_nobody_has_failed(
    step: Step, reply: str, pipelining: Pipelining
) -> None:
    run = refused_by(Fault(step, Act("refuse", reply.encode() + b"\r\n"), times=None), pipelining=pipelining)
    assert isinstance(run.error, MailRefused)
    assert reply in str(run.error)
    count = run.feed.count()
    # Those under way at that moment get their own reply.
    assert LIMIT_BEFORE_SUCCESS <= count[Delivery.FAILED] <= LIMIT_BEFORE_SUCCESS + 8
    assert len(run.feed.taken) == count[Delivery.FAILED] + count[Delivery.DEFERRED] < 100
    failed = {seq for seq, _ in run.feed.of(Delivery.FAILED)}
    assert set(run.error.to_requeue) == failed


@pytest.mark.parametrize("pipelining", list(Pipelining), ids=lambda mode: mode.value)
@pytest.mark.parametrize(
    "reply",
    [
        "553 5.7.1 Sender address rejected: not owned by user",
        "501 5.1.7 Bad sender address syntax",
        "503 need EHLO and AUTH first",
        "553 must equal authorized user",
        "550 user unknown",
        "571 words that nobody here has ever read",
        "450 4.1.8 <news@mail.example.com>: Sender address rejected: Domain not found",
    ],
)
def test_a_refusal_of_mail_is_about_us_and_no_message_fails_for_it(reply: str, pipelining: Pipelining) -> None:
    run = refused_by(Fault("mail", Act("refuse", reply.encode() + b"\r\n"), times=None), pipelining=pipelining)
    assert reply in str(run.error)
    assert run.feed.count() == {Delivery.DEFERRED: len(run.feed.taken)}
    assert LIMIT_BEFORE_SUCCESS <= len(run.feed.taken) < 100


def refused_by(fault: Fault, **options: Any) -> Run:
    with ScriptedServer(Script(faults=(fault,))) as server:
        run = send(server, 3000, connections=4, timeout=10, **options)
    assert f"127.0.0.1:{server.port}" in str(run.error)
    assert_lawful(server, run.feed)
    return run


@pytest.mark.parametrize(
    "reply", ["550 5.4.5 Daily user sending limit exceeded", "550 5.4.6 Unusual sending activity detected"]
)
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "final"])
def test_a_quota_of_the_server_is_waited_for_whatever_its_code(step: Step, reply: str) -> None:
    run = refused_by(Fault(step, Act("quota", reply.encode() + b"\r\n"), times=None))
    assert run.feed.count() == {Delivery.DEFERRED: len(run.feed.taken)}
    assert "tried again by itself" in str(run.error)


@pytest.mark.parametrize("reply", ["550 Connection frequency limited", "550 Ip frequency limited"])
def test_a_server_that_finds_us_too_fast_is_slowed_down_for_and_waited_for(reply: str) -> None:
    slowed: list[float | None] = []
    fault = Fault("rcpt", Act("too fast", reply.encode() + b"\r\n"), at=101, times=70)
    with ScriptedServer(Script(faults=(fault,))) as server:
        run = send(
            server,
            400,
            connections=4,
            timeout=10,
            on_outcome=lambda transport, _, outcome: slowed.append(transport.slowed_to),
        )
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 330, Delivery.DEFERRED: 70}
    assert any(slowed), "it was not slowed down for"


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("final", "552 5.2.3 Message too long"),
        ("final", "552 too big"),
        ("final", "550 the message exceeds the size limit"),
        ("mail", "552 5.3.4 Message size exceeds fixed limit"),
    ],
)
def test_of_a_mailing_that_is_too_big_the_first_fail_and_the_rest_waits(step: Step, reply: str) -> None:
    run = refused_by(Fault(step, Act("too big", reply.encode() + b"\r\n"), times=None))
    assert isinstance(run.error, MailRefused)
    assert run.error.to_requeue == []
    assert "smaller" in str(run.error)
    assert LIMIT_BEFORE_SUCCESS <= run.feed.count()[Delivery.FAILED] <= LIMIT_BEFORE_SUCCESS + 8


def test_few_messages_that_are_all_refused_because_of_us_wait_too() -> None:
    with ScriptedServer(Script(faults=(Fault("rcpt", RELAY, times=None),))) as server:
        run = send(server, 7, connections=2)
    assert isinstance(run.error, MailRefused)
    assert sorted(run.error.to_requeue) == list(range(1, 8))


def test_a_run_that_was_stopped_before_enough_were_refused_to_tell_has_failed_nobody() -> None:
    def stop(transport: SmtpTransport, _: Envelope, outcome: Outcome) -> None:
        if outcome.code == 550:
            transport.stop()

    with ScriptedServer(Script(faults=(Fault("rcpt", UNKNOWN_USER, times=None),))) as server:
        run = send(server, 500, connections=2, on_outcome=stop)
    assert isinstance(run.error, MailRefused)
    assert run.feed.count()[Delivery.FAILED] >= 1
    assert set(run.error.to_requeue) == {seq for seq, _ in run.feed.of(Delivery.FAILED)}


def test_a_short_list_of_unknown_users_is_believed_when_all_of_it_was_tried() -> None:
    with ScriptedServer(Script(faults=(Fault("rcpt", UNKNOWN_USER, times=None),))) as server:
        run = send(server, 20, connections=2)
    assert run.error is None
    assert run.feed.count() == {Delivery.FAILED: 20}


@pytest.mark.parametrize(("act", "delivery"), [(SUSPENDED, Delivery.FAILED), (THROTTLED, Delivery.DEFERRED)])
def test_a_server_that_turns_against_us_in_mid_run_is_not_offered_the_rest(act: Act, delivery: Delivery) -> None:
    with ScriptedServer(Script(faults=(Fault("rcpt", act, at=101, times=None),))) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert act.say.decode().strip() in str(run.error)
    assert f"the last {LIMIT_AFTER_SUCCESS} messages" in str(run.error)
    if delivery is Delivery.FAILED:
        assert isinstance(run.error, MailRefused)
        assert len(run.error.to_requeue) >= LIMIT_AFTER_SUCCESS
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.SENT] == 100
    refused = [one for _, one in run.feed.of(delivery) if one.code is not None]
    assert LIMIT_AFTER_SUCCESS <= len(refused) <= LIMIT_AFTER_SUCCESS + 8
    assert len(run.feed.taken) < 100 + LIMIT_AFTER_SUCCESS + 50


def test_a_server_that_turns_against_us_in_several_words_is_not_offered_the_rest_either() -> None:
    # Two servers behind one name, for example.
    faults = tuple(
        Fault("rcpt", SUSPENDED if n % 2 else RELAY, recipient=f"user{n}@example.com") for n in range(101, 3001)
    )
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 3000, connections=1, timeout=10)
    assert isinstance(run.error, MailRefused)
    assert set(run.error.to_requeue) == {seq for seq, _ in run.feed.of(Delivery.FAILED)}
    assert run.feed.count()[Delivery.FAILED] == LIMIT_AFTER_SUCCESS


@pytest.mark.parametrize(
    ("sender", "content", "words"),
    [
        ("nëws@mail.example.com", b"Subject: x\r\n\r\nx\r\n", "lacks SMTPUTF8"),
        ("news@mail.example.com", b"Subject: x\r\n\r\n\xc3\xa9\r\n", "lacks 8BITMIME"),
        ("two words@mail.example.com", b"Subject: x\r\n\r\nx\r\n", "5.1.7 the sender"),
    ],
)
def test_what_every_mail_of_a_task_has_in_common_does_not_burn_the_list(
    sender: str, content: bytes, words: str
) -> None:
    given = [Envelope(n, sender, f"user{n}@example.com", content) for n in range(1, 1001)]
    with ScriptedServer(Script(eight_bit_mime=False)) as server:
        run = send(server, given, connections=4, timeout=10)
    assert isinstance(run.error, MailRefused)
    assert words in str(run.error)
    assert run.feed.count()[Delivery.FAILED] == LIMIT_BEFORE_SUCCESS
    # The sender can be mended for all of them; what the content has been made of is over.
    assert len(run.error.to_requeue) == (0 if "8BITMIME" in words else LIMIT_BEFORE_SUCCESS)
    assert not any(line.startswith("MAIL") for line in server.commands)


def test_a_server_that_puts_everybody_off_is_not_offered_the_whole_list() -> None:
    with ScriptedServer(Script(faults=(Fault("final", THROTTLED, times=None),))) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert "454 4.7.0 Throttling failure" in str(run.error)
    assert "tried again by itself" in str(run.error)
    assert_lawful(server, run.feed)
    assert run.feed.count() == {Delivery.DEFERRED: len(run.feed.taken)}
    assert LIMIT_BEFORE_SUCCESS <= len(run.feed.taken) < 100


def test_a_list_that_is_too_big_for_the_server_is_not_burnt() -> None:
    with ScriptedServer(Script(size=20)) as server:
        run = send(server, 3000, connections=4, timeout=10)
    assert "5.3.4 the message has" in str(run.error)
    assert not any(line.startswith("MAIL") for line in server.commands)
    assert run.feed.count()[Delivery.FAILED] == LIMIT_BEFORE_SUCCESS
    assert len(run.feed.taken) < 100


def test_an_accepted_message_in_between_makes_the_count_of_refusals_begin_anew() -> None:
    faults = tuple(
        Fault("rcpt", SUSPENDED, at=2 + n * LIMIT_AFTER_SUCCESS, times=LIMIT_AFTER_SUCCESS - 1) for n in range(3)
    )
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 3 * LIMIT_AFTER_SUCCESS, connections=1, timeout=10)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 3, Delivery.FAILED: 3 * (LIMIT_AFTER_SUCCESS - 1)}


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
        (Fault("rcpt", UNKNOWN_USER, at=2, times=None),),
        (Fault("rcpt", RELAY, at=2, times=None),),
        (Fault("rcpt", RELAY, times=LIMIT_BEFORE_SUCCESS - 1),),
    ],
    ids=["no such users", "after an acceptance", "not yet enough"],
)
def test_other_refusals_are_the_recipients_own(faults: tuple[Fault, ...]) -> None:
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 200, connections=1, timeout=10)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert len(run.feed.outcomes) == 200
    assert run.feed.count()[Delivery.FAILED] in (200, 199, LIMIT_BEFORE_SUCCESS - 1)
