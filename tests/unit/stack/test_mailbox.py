"""The local mailbox, over real SMTP and real HTTP."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.acceptance.stack_process import free_port


@dataclass
class Mailbox:
    """A mailbox process."""

    folder: Path
    smtp_port: int
    web_port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "ses_ops.stack.mailbox.server", "--folder", str(self.folder)]
        command += ["--smtp-port", str(self.smtp_port), "--web-port", str(self.web_port), *options]
        self.process = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        end = time.monotonic() + 60
        for port in (self.smtp_port, self.web_port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < end
                    assert self.process.poll() is None
                    time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=60)

    def get(self, path: str, host: str = "") -> tuple[int, dict[str, str], str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.web_port}{path}")
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return (
                    answer.status,
                    {name.lower(): text for name, text in answer.headers.items()},
                    answer.read().decode(),
                )
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, {}, refused.read().decode()

    def messages(self, query: str = "") -> list[dict[str, object]]:
        return list(json.loads(self.get(f"/api/messages?{query}")[2])["messages"])


def _make(folder: Path) -> Mailbox:
    return Mailbox(folder=folder, smtp_port=free_port(), web_port=free_port())


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    made = _make(tmp_path_factory.mktemp("mailbox"))
    made.start()
    yield made
    made.stop()


def _mail(to: str, subject: str = "Hi", html: str = "<p>Hello</p>") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Näme <a@mail.example>", to, subject
    message.set_content("Hello in text")
    message.add_alternative(html, subtype="html")
    return message


def test_it_announces_what_a_fast_sender_needs(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp:
        smtp.ehlo()
        assert {"pipelining", "8bitmime", "smtputf8", "size"} <= set(smtp.esmtp_features)


def test_a_whole_pipelined_dialogue_is_answered_in_order(mailbox: Mailbox) -> None:
    one = "MAIL FROM:<a@x.example>\r\nRCPT TO:<piped@x.example>\r\nDATA\r\n"
    with socket.create_connection(("127.0.0.1", mailbox.smtp_port), 60) as connection:
        file = connection.makefile("rwb")
        file.write(b"EHLO x\r\n")
        file.flush()
        while not file.readline().startswith(b"220 "):
            pass
        while not file.readline().startswith(b"250 "):
            pass
        file.write(one.encode())
        file.flush()
        assert [file.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        file.write(b"Subject: 1\r\n\r\n..dot\r\n.\r\n" + one.encode())
        file.flush()
        assert [file.readline()[:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]
    number = mailbox.messages("to=piped@x.example")[0]["id"]
    assert mailbox.get(f"/messages/{number}/raw")[2] == "Subject: 1\r\n\r\n.dot\r\n"


def test_mail_that_was_accepted_survives_a_kill_9(tmp_path: Path) -> None:
    mailbox = _make(tmp_path)
    mailbox.start()
    with mailbox.smtp() as smtp:
        for number in range(20):
            smtp.send_message(_mail(f"n{number}@x.example"))
        mailbox.stop(signal.SIGKILL)
    mailbox.start()
    try:
        assert len(mailbox.messages("limit=100")) == 20
    finally:
        mailbox.stop()


def test_the_newest_message_comes_first_and_recipients_can_be_searched(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp:
        for name in ("first", "second", "third"):
            smtp.send_message(_mail(f"{name}@Search.example", subject=f"{name} ✓"))
        smtp.send_message(_mail("100%_sure@other.example"))
    assert [one["subject"] for one in mailbox.messages("to=search.EXAMPLE")] == ["third ✓", "second ✓", "first ✓"]
    assert len(mailbox.messages("to=search.example&limit=2")) == 2
    assert len(mailbox.messages("to=100%25_sure")) == 1
    assert len(mailbox.messages("to=100%25x")) == 0
    last = mailbox.messages("to=search.example&limit=1")[0]["id"]
    assert [one["subject"] for one in mailbox.messages(f"to=search.example&before={last}")] == ["second ✓", "first ✓"]


def test_addresses_that_are_no_utf_8_are_stored_and_shown(mailbox: Mailbox) -> None:
    """aiosmtpd hands them over as surrogates, which SQLite refuses: the mailbox stopped to answer, for everybody."""
    with socket.create_connection(("127.0.0.1", mailbox.smtp_port), 60) as connection:
        file = connection.makefile("rwb")
        commands = [
            b"EHLO x",
            b"MAIL FROM:<\xff\xed\xa0\x80@x.example>",
            b"RCPT TO:<odd\xfe@x.example>",
            b"DATA",
            b"x\r\n.",
        ]
        for command in commands:
            file.write(command + b"\r\n")
            file.flush()
            while (reply := file.readline())[3:4] == b"-" or reply.startswith(b"220"):
                pass
            assert reply[:1] in b"23", (command, reply)
    (one,) = mailbox.messages("to=odd")
    assert mailbox.get(f"/messages/{one['id']}")[0] == 200
    assert mailbox.get("/")[0] == 200


def test_nothing_of_a_message_is_run_in_the_page(mailbox: Mailbox) -> None:
    evil = "<script>alert(1)</script>"
    with mailbox.smtp() as smtp:
        smtp.send_message(_mail("evil@x.example", subject=evil, html=evil))
    number = mailbox.messages("to=evil@x.example")[0]["id"]
    for path in ("/?to=evil", f"/messages/{number}", "/?to=" + evil.replace("<", "%3C")):
        status, headers, page = mailbox.get(path)
        assert status == 200
        assert evil not in page
        assert "default-src 'none'" in headers["content-security-policy"]
    assert '<iframe sandbox=""' in mailbox.get(f"/messages/{number}")[2]
    status, headers, page = mailbox.get(f"/messages/{number}/html")
    assert evil in page
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("path", ["/messages/999999", "/messages/99999999999999999999999", "/nothing"])
def test_what_does_not_exist_is_404(mailbox: Mailbox, path: str) -> None:
    assert mailbox.get(path)[0] == 404


def test_a_page_that_was_asked_for_by_a_strange_name_is_refused(mailbox: Mailbox) -> None:
    assert mailbox.get("/", host="evil.example")[0] == 400


def test_a_message_over_the_size_limit_is_refused_with_552(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp, pytest.raises(smtplib.SMTPSenderRefused) as refused:
        smtp.sendmail("a@x.example", ["b@x.example"], b"x" * (11 * 1024 * 1024))
    assert refused.value.smtp_code == 552


def test_with_reject_login_nobody_can_send(tmp_path: Path) -> None:
    mailbox = _make(tmp_path)
    mailbox.start("--reject-login")
    try:
        with mailbox.smtp() as smtp:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                smtp.login("user", "password")
            with pytest.raises(smtplib.SMTPException):
                smtp.send_message(_mail("x@x.example"))
    finally:
        mailbox.stop()
