"""The listener for bounces and servers that write as real ones do, octet by octet: long lines, bare LF, TLS, LMTP."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ses_ops.application.token_rotation import rotate_token_secret
from ses_ops.public.bounce_listener import MOST_OF_ONE
from tests.actors import ANYBODY
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.bounce_process import BounceProcess
from tests.integration.public.test_bounces import DOMAIN, Back, bounce_address, report, unmatched
from tests.servers.certificate import make_certificate


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["Ann@example.org", "bob@example.net", "cy@example.org"])


@contextmanager
def listening(mailing: Mailing, tmp_path, *arguments: str, **settings: str) -> Iterator[Back]:
    listener = BounceProcess(
        dsn=mailing.world.dsn, spool=tmp_path / "spool", arguments=list(arguments), settings=settings
    )
    listener.start()
    try:
        yield Back(mailing=mailing, listener=listener, client=None)  # type: ignore[arg-type]
    finally:
        listener.kill()


@pytest.fixture
def back(mailing, tmp_path) -> Iterator[Back]:
    with listening(mailing, tmp_path) as back:
        yield back


class Wire:
    """A client that sends octets as they are given."""

    def __init__(self, back: Back) -> None:
        self.socket = socket.create_connection(("127.0.0.1", back.listener.port), timeout=20)
        self.file = self.socket.makefile("rb")
        assert self.answer().startswith(b"220")

    def answer(self) -> bytes:
        lines = b""
        while True:
            line = self.file.readline()
            lines += line
            if not line or line[3:4] != b"-":
                return lines

    def say(self, octets: bytes) -> bytes:
        self.socket.sendall(octets)
        return self.answer()

    def begin(self, *recipients: str, hello: bytes = b"EHLO") -> None:
        self.say(hello + b" mx.example.org\r\n")
        assert self.say(b"MAIL FROM:<>\r\n").startswith(b"250")
        for one in recipients:
            assert self.say(f"RCPT TO:<{one}>\r\n".encode()).startswith(b"250")
        assert self.say(b"DATA\r\n").startswith(b"354")


@pytest.mark.parametrize("length", [998, 999, 1_100, 73_000, 400_000])
def test_a_report_with_a_long_line_is_taken(back, length) -> None:
    to = bounce_address(back, 1)
    mail = report(to, "ann@example.org").replace(b"Sorry.", b"x" * length)
    assert back.listener.deliver(to, mail)[0] == 250
    assert back.events() == [(1, "bounced", "bounce_mail")]


def test_a_report_whose_lines_end_in_bare_lf_is_taken(back) -> None:
    wire, to = Wire(back), bounce_address(back, 1)
    wire.begin(to)
    mail = report(to, "ann@example.org").replace(b"\r\n", b"\n") + b"returned line\n" * 5_000
    assert wire.say(mail + b"\r\n.\r\n").startswith(b"250")
    assert back.events() == [(1, "bounced", "bounce_mail")]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r"])
def test_nothing_but_a_dot_between_two_crlf_ends_a_mail(back, end) -> None:
    """A mail within a mail would be one that no server in front has looked at."""
    wire, to = Wire(back), bounce_address(back, 1)
    other = bounce_address(back, 2)
    wire.begin(to)
    smuggled = f"MAIL FROM:<>\r\nRCPT TO:<{other}>\r\nDATA\r\n".encode() + report(other, "bob@example.net")
    assert wire.say(report(to, "ann@example.org") + b"x" + end + smuggled + b"\r\n.\r\n").startswith(b"250")
    assert wire.say(b"QUIT\r\n").startswith(b"221")
    assert back.events() == [(1, "bounced", "bounce_mail")]


def test_dots_at_the_beginning_of_lines_are_taken_off_also_of_long_ones(back) -> None:
    wire, to = Wire(back), bounce_address(back, 1)
    wire.begin(to)
    lines = b"From: a@b.example\r\nSubject: hello\r\n\r\n..one\r\n..." + b"x" * 5_000 + b"\r\n...\r\n"
    assert wire.say(lines + b".\r\n").startswith(b"250")
    ((raw,),) = back.mailing.world.rows("SELECT raw FROM unmatched_event")
    assert bytes(raw).endswith(b"\r\n\r\n.one\r\n.." + b"x" * 5_000 + b"\r\n..\r\n")


def test_of_a_large_mail_the_beginning_counts_and_one_too_large_is_refused(back) -> None:
    to = bounce_address(back, 1)
    mail = report(to, "ann@example.org") + b"returned line\r\n" * 600_000  # 9 MB
    assert back.listener.deliver(to, mail)[0] == 250
    assert back.events() == [(1, "bounced", "bounce_mail")]
    wire = Wire(back)
    wire.begin(to)
    assert wire.say(mail + b"x" * 2_000_000 + b"\r\n.\r\n").startswith(b"552")
    assert wire.say(b"NOOP\r\n").startswith(b"250")


def test_lmtp_answers_for_each_recipient_of_a_mail_that_is_too_large(mailing, tmp_path) -> None:
    with listening(mailing, tmp_path, "--lmtp") as back:
        wire = Wire(back)
        wire.begin(bounce_address(back, 1), bounce_address(back, 2), hello=b"LHLO")
        assert wire.say(b"x" * 11_000_000 + b"\r\n.\r\n").startswith(b"552")
        assert wire.answer().startswith(b"552")
        assert wire.say(b"NOOP\r\n").startswith(b"250")


def test_spam_to_one_address_does_not_fill_the_database_and_the_others_go_on(back) -> None:
    to, other = bounce_address(back, 1), bounce_address(back, 2)
    wire = Wire(back)
    wire.say(b"EHLO x\r\n")
    answers = []
    for _ in range(MOST_OF_ONE + 3):
        wire.say(b"RSET\r\n")
        wire.say(b"MAIL FROM:<>\r\n")
        answers.append(wire.say(f"RCPT TO:<{to}>\r\n".encode())[:3])
    assert answers == [b"250"] * MOST_OF_ONE + [b"452"] * 3
    assert back.listener.deliver(other, report(other, "bob@example.net"))[0] == 250
    assert back.events() == [(2, "bounced", "bounce_mail")]


def test_a_mail_to_the_addresses_of_two_messages_is_about_both(back) -> None:
    """One wish by mail for two mailings, and no Message-ID or date by which two mails could be told apart."""
    both = [f"u-{back.token(seq)}@{DOMAIN}" for seq in (1, 2)]
    with back.listener.client() as client:
        client.mail("ann@example.org")
        assert [client.rcpt(one)[0] for one in both] == [250, 250]
        assert client.data(b"From: ann@example.org\r\nSubject: unsubscribe\r\n\r\n")[0] == 250
    assert sorted(back.events()) == [(1, "unsubscribed", "unsubscribe_mail"), (2, "unsubscribed", "unsubscribe_mail")]


def test_an_address_of_a_secret_that_was_just_made_is_taken_at_once(back) -> None:
    """What is refused at RCPT is lost: nobody reports the loss of a report."""
    for _ in range(3):
        rotate_token_secret(back.mailing.world.conn, ANYBODY)
        to = bounce_address(back, 1)
        assert back.listener.deliver(to, report(to, "ann@example.org"))[0] == 250
    assert back.events() == [(1, "bounced", "bounce_mail")]
    assert unmatched(back) == []


def test_tls_is_offered_and_what_came_before_it_does_not_count(mailing, tmp_path) -> None:
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    make_certificate(certificate, key, "bounces.shop.example")
    settings = {"SES_BOUNCE_TLS_CERTIFICATE": str(certificate), "SES_BOUNCE_TLS_KEY": str(key)}
    with listening(mailing, tmp_path, **settings) as back:
        to = bounce_address(back, 1)
        first = served(back, to)
        assert back.events() == [(1, "bounced", "bounce_mail")]
        # Commands that were sent before TLS are no part of the dialogue within it.
        wire = Wire(back)
        wire.say(b"EHLO mx.example.org\r\n")
        assert wire.say(b"STARTTLS\r\nMAIL FROM:<>\r\n").startswith(b"220")
        context = ssl.create_default_context(cafile=str(certificate))
        within = context.wrap_socket(wire.socket, server_hostname="bounces.shop.example")
        within.sendall(f"EHLO x\r\nRCPT TO:<{to}>\r\n".encode())
        answers = b""
        while b"503" not in answers:
            more = within.recv(4096)
            assert more, answers
            answers += more
        # Without TLS it goes on as before, and a renewed certificate is served without a new start.
        assert back.listener.deliver(to, report(to, "ann@example.org"))[0] == 250
        make_certificate(certificate, key, "bounces.shop.example")
        assert served(back, to) != first
    assert "Traceback" not in back.listener.log


def served(back: Back, to: str) -> bytes:
    """Deliver a report by TLS; the certificate that the listener has shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", back.listener.port, timeout=20) as client:
        client.ehlo()
        assert client.has_extn("starttls")
        client.starttls(context=context)
        assert client.sendmail("", [to], report(to, "ann@example.org")) == {}
        shown = client.sock.getpeercert(binary_form=True)  # type: ignore[union-attr]
        assert shown
        return shown


def test_a_wrong_certificate_is_an_error_before_anything_listens(mailing, tmp_path) -> None:
    (tmp_path / "chain.pem").write_text("nothing")
    for settings, words in (
        ({"SES_BOUNCE_TLS_CERTIFICATE": str(tmp_path / "none.pem")}, "No such file"),
        ({"SES_BOUNCE_TLS_CERTIFICATE": str(tmp_path / "chain.pem")}, "SES_BOUNCE_TLS_CERTIFICATE"),
        ({"SES_BOUNCE_TLS_KEY": str(tmp_path / "chain.pem")}, "names no certificate"),
    ):
        listener = BounceProcess(dsn=mailing.world.dsn, spool=tmp_path / "spool", settings=settings)
        listener.spool.mkdir(exist_ok=True)
        listener.launch()
        assert listener.process is not None
        assert listener.process.wait(60) != 0
        assert words in listener.log
        assert "Traceback" not in listener.log
