"""What is written for an envelope, and what is refused before the first byte."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from ses_ops.transports.port import Delivery, Envelope, Outcome
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.wire import WireMessage, WireWriter, stuffed
from tests.integration.smtp_servers.script import Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import CONTENT, assert_lawful, envelopes, send

EVERYTHING = Capabilities(pipelining=True, eight_bit_mime=True, smtp_utf8=True, size=True, size_limit=10_000)
EVIL = [
    "a@example.com\r\nRCPT TO:<b@example.com>",
    "a@example.com\n",
    "\ra@example.com",
    "a@example.com\0",
    "a@example.com> SIZE=1",
    "<a@example.com>",
    "a b@example.com",
    "a@exam ple.com",
    "a\x07@example.com",
    "a\x85@example.com",
    "a\u2028@example.com",
    "a\ud800@example.com",
    '"a\r\n"@example.com',
    '"a"b"@example.com',
    "a@b@example.com",
    "@example.com",
    "a@",
    "a",
    "",
    "a,b@example.com",
    "a" * 300 + "@example.com",
]
GOOD = [
    "a@example.com",
    "john..doe.@docomo.example",
    "o'brien+tag=x@example.com",
    '"a b"@example.com',
    '"a\\"<b>"@example.com',
    "a@[192.0.2.1]",
    "a@[IPv6:2001:db8::1]",
    "用户@例子.example",
]


@pytest.mark.parametrize("address", EVIL, ids=ascii)
def test_an_address_that_could_break_its_command_is_never_written(address: str) -> None:
    writer = WireWriter(EVERYTHING)
    for envelope in (
        Envelope(1, "ok@example.com", address, CONTENT),
        *([Envelope(1, address, "ok@example.com", CONTENT)] if address else []),
    ):
        outcome = writer.write(envelope)
        assert isinstance(outcome, Outcome)
        assert outcome.delivery is Delivery.FAILED
        assert outcome.code == 553
        assert outcome.text.isprintable()


@pytest.mark.parametrize("address", GOOD, ids=ascii)
def test_a_valid_address_is_written_as_it_is(address: str) -> None:
    message = WireWriter(EVERYTHING).write(Envelope(1, address, address, CONTENT))
    assert isinstance(message, WireMessage)
    assert message.rcpt == f"RCPT TO:<{address}>\r\n".encode()
    assert message.mail.startswith(f"MAIL FROM:<{address}> SIZE={len(CONTENT)}".encode())
    assert message.mail.endswith(b" SMTPUTF8\r\n") is not address.isascii()


@hypothesis.given(sender=st.text(max_size=30), recipient=st.text(max_size=30))
@hypothesis.settings(deadline=None)
def test_whatever_the_addresses_each_command_is_one_line(sender: str, recipient: str) -> None:
    message = WireWriter(EVERYTHING).write(Envelope(1, sender, f"{recipient}@example.com", CONTENT))
    if isinstance(message, WireMessage):
        for command in (message.mail, message.rcpt):
            assert command.endswith(b"\r\n")
            assert not {*command[:-2]} & {*range(32), 127}


def test_the_null_sender_is_allowed() -> None:
    message = WireWriter(Capabilities()).write(Envelope(1, "", "a@example.com", CONTENT))
    assert isinstance(message, WireMessage)
    assert message.mail == b"MAIL FROM:<>\r\n"


def test_a_wrong_sender_does_not_spoil_the_next_message() -> None:
    writer = WireWriter(EVERYTHING)
    for _ in range(2):
        assert isinstance(writer.write(Envelope(1, "bad sender", "a@example.com", CONTENT)), Outcome)
    good = writer.write(Envelope(1, "good@example.com", "a@example.com", CONTENT))
    assert isinstance(good, WireMessage)
    assert b"<good@example.com>" in good.mail


@pytest.mark.parametrize(
    "content",
    [
        b"a\n.\nb\r\n",
        b"a\n.\r\nb\r\n",
        b"a\r\n.\nb\r\n",
        b"a\r.\rb\r\n",
        b"a\r\n.\rb\r\n",
        b"a\r.\r\nb\r\n",
        b"a\r\r\n.\r\r\n",
        b"\n.\r\n",
        b"\n.\n",
        b".\n",
        b".\r",
        b"a\r\n.\n",
        b"a\r\n.\r",
    ],
)
def test_content_that_some_server_could_take_for_its_end_is_refused(content: bytes) -> None:
    assert stuffed(content) is None
    outcome = WireWriter(EVERYTHING).write(Envelope(1, "a@example.com", "b@example.com", content))
    assert isinstance(outcome, Outcome)
    assert outcome.delivery is Delivery.FAILED


@hypothesis.given(st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"=2E"]), max_size=25).map(b"".join))
def test_only_the_final_dot_ends_the_data_however_a_server_reads_line_ends(content: bytes) -> None:
    body = stuffed(content)
    if body is None:
        assert b"\r" in content or b"\n" in content
        return
    data = body + b".\r\n"
    for lenient in (data, data.replace(b"\r\n", b"\n"), data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
        end = b".\r\n" if lenient is data else b".\n"
        line_end = end[1:]
        assert (line_end + lenient).find(line_end + end) == len(lenient) - len(end)
    lines = data.removesuffix(b".\r\n").split(b"\r\n")
    restored = b"\r\n".join(line.removeprefix(b".") for line in lines)
    assert restored in (content, content + b"\r\n")


def test_a_message_over_the_servers_limit_is_refused_before_it_is_sent() -> None:
    given = [*envelopes(3), envelopes(1, b"x" * 2000 + b"\r\n")[0]._replace(seq=4, recipient="big@example.com")]
    with ScriptedServer(Script(size=1000)) as server:
        run = send(server, given)
    assert_lawful(server, run.feed)
    assert run.feed.outcomes[4][:3] == (
        Delivery.FAILED,
        552,
        "5.3.4 the message has 2002 bytes, and this server takes at most 1000",
    )
    assert run.feed.count()[Delivery.SENT] == 3
    assert {message.parameters for message in server.messages} == {f"SIZE={len(CONTENT)}"}


def test_eight_bit_content_needs_8bitmime_and_is_declared() -> None:
    given = envelopes(2, "Subject: x\r\n\r\nüber\r\n".encode())
    with ScriptedServer(Script(eight_bit_mime=False)) as server:
        run = send(server, given)
    assert {outcome.code for outcome in run.feed.outcomes.values()} == {554}
    assert "8BITMIME" in run.feed.outcomes[1].text
    with ScriptedServer() as server:
        run = send(server, given)
    assert run.feed.count() == {Delivery.SENT: 2}
    assert {message.parameters for message in server.messages} == {"BODY=8BITMIME"}


def test_a_non_ascii_address_needs_smtputf8() -> None:
    given = [envelopes(1)[0]._replace(recipient="用户@例子.example")]
    with ScriptedServer() as server:
        run = send(server, given)
    assert run.feed.outcomes[1].delivery is Delivery.FAILED
    assert "SMTPUTF8" in run.feed.outcomes[1].text
    with ScriptedServer(Script(smtp_utf8=True)) as server:
        run = send(server, given)
    assert server.accepted == {"用户@例子.example": 1}
