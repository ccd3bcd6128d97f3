"""How much is written at once: by what a server is known to bear, and less where it shows that it was too much."""

from __future__ import annotations

import pytest

from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.pipelining import Mode, Pipelining
from ses_ops.transports.smtp.server_limits import ServerLimits
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.smtp_servers.script import Act, Behind, Fault, Group, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import assert_lawful, send

POSTFIX = {"greeting": "mail.example.com ESMTP Postfix (Debian/GNU)", "hello": "mail.example.com"}
EXIM = {"greeting": "mail.example.com ESMTP Exim 4.96 Sun, 29 Nov 2026 09:00:00 +0000", "hello": "m.x Hello me [::1]"}
SENDMAIL = {
    "greeting": "mail.example.com ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; Sun, 29 Nov 2026",
    "hello": "mail.example.com Hello me [127.0.0.1], pleased to meet you",
}
OTHERS = {
    "Haraka": {"greeting": "mail.example.com ESMTP Haraka/3.3.4 ready", "hello": "mail.example.com Hello me [::1]"},
    "Dovecot": {"greeting": "mail.example.com Dovecot (Debian) ready.", "hello": "mail.example.com"},
    "chasquid": {"greeting": "mail.example.com ESMTP chasquid", "hello": "mail.example.com - Your hour of destiny"},
    "Courier": {"greeting": "mail.example.com ESMTP", "hello": "mail.example.com Ok."},
    "OpenSMTPD": {
        "greeting": "m.example.com ESMTP OpenSMTPD",
        "hello": "m.example.com Hello me [::1], pleased to meet",
    },
    "a proxy before Postfix": {"greeting": "mx ESMTP Postfix", "hello": "proxy at your service"},
    "a masked one": {"greeting": "***********", "hello": "mail.example.com"},
}


@pytest.mark.parametrize("known", [POSTFIX, EXIM, SENDMAIL], ids=["Postfix", "Exim", "Sendmail"])
def test_servers_known_to_bear_it_get_the_next_message_behind_the_dot(known: dict[str, str]) -> None:
    with ScriptedServer(Script(**known)) as server:
        run = send(server, 100, connections=2)
    assert run.feed.count() == {Delivery.SENT: 100}
    assert server.behind_dots >= 90


@pytest.mark.parametrize("other", OTHERS)
def test_all_other_servers_get_it_after_the_reply(other: str) -> None:
    with ScriptedServer(Script(**OTHERS[other])) as server:
        run = send(server, 100, connections=2)
    assert run.feed.count() == {Delivery.SENT: 100}
    assert server.behind_dots == 0
    assert server.grouped >= 90


@pytest.mark.parametrize(("asked_for", "grouped"), [("none", False), ("group", True), ("across", True)])
def test_the_connection_can_say_how_much(asked_for: str, grouped: bool) -> None:
    with ScriptedServer(Script(**POSTFIX)) as server:
        run = send(server, 50, connections=1, pipelining=Pipelining(asked_for))
    assert run.feed.count() == {Delivery.SENT: 50}
    assert (server.grouped > 0) is grouped
    assert (server.behind_dots > 0) is (asked_for == "across")


@pytest.mark.parametrize("behind", ["refused", "discarded", "halved"])
@pytest.mark.parametrize("lines", [POSTFIX, {}], ids=["known by mistake", "asked for"])
def test_a_server_that_does_not_bear_commands_behind_the_dot_gets_every_message_once(
    behind: Behind, lines: dict[str, str]
) -> None:
    asked_for = Pipelining.AUTO if lines else Pipelining.ACROSS
    with ScriptedServer(Script(behind=behind, **lines)) as server:
        run = send(server, 300, connections=4, pipelining=asked_for)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 300}
    assert_lawful(server, run.feed)
    # Each connection meets it once, and then knows.
    assert server.behind_dots <= 4
    assert server.grouped >= 250


def test_a_server_that_dies_of_it_leaves_one_message_a_connection_in_doubt_and_no_more() -> None:
    with ScriptedServer(Script(behind="crash")) as server:
        run = send(server, 300, connections=4, pipelining=Pipelining.ACROSS)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.UNKNOWN] <= 4
    assert run.feed.count()[Delivery.SENT] >= 296


@pytest.mark.parametrize("group", ["refused", "discarded", "crash"])
def test_a_server_that_offers_pipelining_and_bears_none_gets_every_message_once(group: Group) -> None:
    with ScriptedServer(Script(group=group)) as server:
        run = send(server, 300, connections=4)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 300}
    assert_lawful(server, run.feed)
    assert server.grouped <= 8


@pytest.mark.parametrize(
    "words",
    [
        b"503 5.5.1 bad sequence\r\n",
        b"500 what?\r\n",
        b"501 5.5.4 Syntax error\r\n",
        b"554 SMTP synchronization error\r\n",
        b"421 4.7.0 pipelining not allowed, closing\r\n",
    ],
)
@pytest.mark.parametrize("mode", [Pipelining.AUTO, Pipelining.GROUP, Pipelining.ACROSS], ids=lambda one: one.value)
def test_a_server_that_refuses_mail_for_what_stands_behind_it_gets_every_message_once(
    mode: Pipelining, words: bytes
) -> None:
    with ScriptedServer(Script(group="mail refused", out_of_step=words)) as server:
        run = send(server, 100, connections=4, pipelining=mode)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 100}
    assert_lawful(server, run.feed)
    assert server.grouped <= 8


@pytest.mark.parametrize("mode", [Pipelining.AUTO, Pipelining.ACROSS], ids=lambda one: one.value)
def test_a_server_that_throws_away_what_stands_behind_a_refusal_is_waited_for_once(mode: Pipelining) -> None:
    faults = tuple(
        Fault("rcpt", Act("no", b"550 5.1.1 no\r\n"), recipient=f"user{n}@example.com") for n in range(5, 60, 5)
    )
    with ScriptedServer(Script(faults=faults, group="thrown away")) as server:
        run = send(server, 60, connections=2, pipelining=mode)
    assert run.feed.count() == {Delivery.SENT: 49, Delivery.FAILED: 11}
    assert_lawful(server, run.feed)
    # 0.4 s of silence a connection and a mode, and not at every refusal.
    assert server.connections <= 6


@pytest.mark.parametrize("reply", ["500 5.5.2 unrecognized command", "503 5.5.1 bad sequence", "502 5.5.1 what?"])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_a_pipelined_command_that_is_not_understood_fails_no_message(step: str, reply: str) -> None:
    fault = Fault(step, Act("out of step", reply.encode() + b"\r\n"), at=20)  # type: ignore[arg-type]
    with ScriptedServer(Script(faults=(fault,))) as server:
        run = send(server, 60, connections=1, pipelining=Pipelining.ACROSS)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 60}
    assert_lawful(server, run.feed)


@pytest.mark.parametrize("reply", ["500 5.5.2 unrecognized command", "503 5.5.1 bad sequence"])
def test_a_command_that_was_not_pipelined_is_refused_for_what_it_says(reply: str) -> None:
    fault = Fault("rcpt", Act("refused", reply.encode() + b"\r\n"), at=20)
    with ScriptedServer(Script(faults=(fault,), pipelining=False)) as server:
        run = send(server, 60, connections=1)
    assert run.feed.count() == {Delivery.SENT: 59, Delivery.FAILED: 1}


def test_what_one_connection_finds_out_holds_for_all_and_is_found_out_once() -> None:
    limits = ServerLimits("mail.example.com:25", Pipelining.ACROSS, None)
    can = Capabilities(pipelining=True)
    assert limits.mode("", can) is Mode.ACROSS
    assert limits.lower_mode(Mode.ACROSS, "it broke")
    assert not limits.lower_mode(Mode.ACROSS, "it broke"), "twenty connections that break together are one finding"
    assert limits.mode("", can) is Mode.GROUP
    assert limits.lower_mode(Mode.GROUP, "it broke")
    assert limits.mode("", can) is Mode.NONE
    assert limits.mode("", Capabilities()) is Mode.NONE


# --- how many messages a connection carries


@pytest.mark.parametrize(
    ("words", "then"),
    [
        (b"452 4.5.3 Too many recipients: Too many messages sent\r\n", "go on"),
        (b"421 4.7.0 too many messages in this connection\r\n", "close"),
        (b"451 4.7.1 try later\r\n", "go on"),
        (b"450 come again\r\n", "close"),
        (b"550 too many messages in this session\r\n", "go on"),
    ],
)
@pytest.mark.parametrize("mode", list(Pipelining), ids=lambda one: one.value)
def test_a_server_that_takes_so_many_messages_a_connection_gets_the_rest_over_new_ones(
    mode: Pipelining, words: bytes, then: str
) -> None:
    script = Script(max_messages_per_connection=20, last_words=words, last_act=then)  # type: ignore[arg-type]
    with ScriptedServer(script) as server:
        run = send(server, 1_000, connections=4, timeout=10, pipelining=mode)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 1_000}
    assert_lawful(server, run.feed)
    # Learnt by then: the others were closed in time.
    assert server.refused_mails <= 12


def test_the_number_of_messages_a_connection_carries_can_be_fixed() -> None:
    with ScriptedServer(Script(max_messages_per_connection=7)) as server:
        run = send(server, 70, connections=1, messages_per_connection=7)
    assert run.feed.count() == {Delivery.SENT: 70}
    assert server.connections == 10
    assert server.refused_mails == 0


def test_a_mail_refused_now_and_then_does_not_make_all_connections_short() -> None:
    faults = tuple(Fault("mail", Act("once", b"451 4.3.0 lookup failure\r\n"), at=at) for at in (30, 71, 133, 190))
    with ScriptedServer(Script(faults=faults)) as server:
        run = send(server, 300, connections=1, timeout=10)
    assert run.feed.count() == {Delivery.SENT: 300}
    assert server.connections <= 1 + len(faults)


# --- 421 at the worst moment


@pytest.mark.parametrize(
    ("words", "delivery"),
    [
        (b"421 Server shutting down\r\n", Delivery.UNKNOWN),
        (b"421 4.3.2 shutting down\r\n", Delivery.UNKNOWN),
        (b"421-4.7.28 unusual rate of mail\r\n421 4.7.28 from your address\r\n", Delivery.DEFERRED),
    ],
)
@pytest.mark.parametrize("mode", list(Pipelining), ids=lambda one: one.value)
def test_a_421_behind_the_dot_leaves_the_message_in_doubt_unless_it_judged_it(
    mode: Pipelining, words: bytes, delivery: Delivery
) -> None:
    fault = Fault("final", Act("closing", words, "close", accept=delivery is Delivery.UNKNOWN), at=10)
    with ScriptedServer(Script(faults=(fault,))) as server:
        run = send(server, 30, connections=1, pipelining=mode)
    assert run.feed.count() == {Delivery.SENT: 29, delivery: 1}
    assert_lawful(server, run.feed)


@pytest.mark.parametrize("value", ["auto", "none", "group", "across", "true", "false"])
def test_the_extra_is_read(value: str) -> None:
    settings = smtp_settings_from_connection_uri(
        f"smtp://mail.example.com/?pipelining={value}&messages_per_connection=100&most_unknown_users=0.5"
    )
    expected = {"true": "auto", "false": "none"}.get(value, value)
    assert settings.pipelining.value == expected
    assert settings.messages_per_connection == 100
    assert settings.most_unknown_users == 0.5
