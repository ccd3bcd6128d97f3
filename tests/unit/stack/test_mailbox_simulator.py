"""The simulator's addresses in the running mailbox: real SMTP, real reports, a real click."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from aiosmtpd.controller import Controller

from tests.acceptance.stack_process import free_port
from tests.unit.stack.test_mailbox import Mailbox
from tests.unit.stack.test_simulated import RAW, SENDER


class Bounces:
    """A listener for reports."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.ended = 0

    async def handle_DATA(self, server: object, session: object, envelope) -> str:
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 Taken"

    async def handle_QUIT(self, server: object, session: object, envelope: object) -> str:
        self.ended += 1
        return "221 Bye"


class Page(BaseHTTPRequestHandler):
    """An unsubscribe page that notes who comes."""

    seen: ClassVar[list[tuple[str, str, str]]]

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, body: str) -> None:
        self.seen.append((self.command, self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def soon(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def page() -> Iterator[ThreadingHTTPServer]:
    class OwnPage(Page):
        seen: ClassVar[list[tuple[str, str, str]]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), OwnPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, page: ThreadingHTTPServer) -> Iterator[tuple[Mailbox, int]]:
    mailbox, bounce_port = Mailbox(tmp_path_factory.mktemp("mailbox"), free_port(), free_port()), free_port()
    mailbox.start("--bounce-port", str(bounce_port), "--public-url", f"http://127.0.0.1:{page.server_port}")
    yield mailbox, bounce_port
    mailbox.stop()


def test_the_server_answers_as_its_addresses_say(box: tuple[Mailbox, int]) -> None:
    mailbox, _ = box
    with mailbox.smtp() as smtp:
        smtp.ehlo()
        smtp.mail(SENDER)
        replies = {
            name: smtp.rcpt(f"{name}@a.example") for name in ("ok", "unknown+x", "full-3", "bounce", "unsubscribe")
        }
        assert {name: code for name, (code, _) in replies.items()} == {
            "ok": 250,
            "unknown+x": 550,
            "full-3": 452,
            "bounce": 250,
            "unsubscribe": 250,
        }
        assert replies["unknown+x"][1].startswith(b"5.1.1")
        assert replies["full-3"][1].startswith(b"4.2.2")
        began = time.monotonic()
        assert smtp.rcpt("slow@a.example")[0] == 250
        assert time.monotonic() - began > 2.5


def test_reports_wait_for_a_listener_that_is_down(box: tuple[Mailbox, int]) -> None:
    mailbox, bounce_port = box
    addresses = [
        "bounce@a.example",
        "softbounce-1@a.example",
        "complaint+x@a.example",
        "ok@a.example",
        "person@a.example",
    ]
    with mailbox.smtp() as smtp:
        for address in addresses:
            smtp.sendmail(SENDER, [address], RAW)
            smtp.sendmail("news@mail.example.com", [address], RAW)  # no token, no report
    bounces = Bounces()
    listener = Controller(bounces, hostname="127.0.0.1", port=bounce_port, ready_timeout=60)
    listener.start()
    try:
        soon(lambda: len(bounces.taken) == 3)
        time.sleep(0.5)
    finally:
        listener.stop()
    assert [(mail_from, to) for mail_from, to, _ in bounces.taken] == [("<>", [SENDER])] * 3
    kinds = sorted(str(message_from_bytes(content).get_param("report-type")) for *_, content in bounces.taken)
    assert kinds == ["delivery-status", "delivery-status", "feedback-report"]


def test_only_links_of_the_own_page_are_followed_and_only_for_one_address(
    box: tuple[Mailbox, int], page: ThreadingHTTPServer
) -> None:
    mailbox, _ = box
    other = ThreadingHTTPServer(
        ("127.0.0.1", 0), page.RequestHandlerClass
    )  # it takes connections, and nobody should come
    seen = page.RequestHandlerClass.seen  # type: ignore[attr-defined]

    def mail(port: int, path: str) -> bytes:
        return f"List-Unsubscribe: <http://127.0.0.1:{port}{path}>\r\n\r\nbody\r\n".encode()

    with mailbox.smtp() as smtp:
        smtp.sendmail("news@a.example", ["ok@a.example"], mail(page.server_port, "/u/ok"))
        smtp.sendmail("news@a.example", ["unsubscribe@a.example"], mail(other.server_port, "/u/foreign"))
        smtp.sendmail("news@a.example", ["unsubscribe@a.example"], b"Subject: none\r\n\r\nbody\r\n")
        smtp.sendmail("news@a.example", ["unsubscribe-1@a.example"], mail(page.server_port, "/u/00ff"))
    soon(lambda: len(seen) >= 2)
    time.sleep(0.5)
    other.server_close()
    assert seen == [("GET", "/u/00ff", ""), ("POST", "/u/00ff", "List-Unsubscribe=One-Click")]


def test_the_page_lists_the_addresses(box: tuple[Mailbox, int]) -> None:
    _, _, html = box[0].get("/")
    for name in ("ok", "unknown", "full", "slow", "bounce", "softbounce", "complaint", "unsubscribe"):
        assert f"<code>{name}@</code>" in html
    assert "b-…@" in html


def test_a_refusal_is_a_real_smtp_refusal(box: tuple[Mailbox, int]) -> None:
    with box[0].smtp() as smtp, pytest.raises(smtplib.SMTPRecipientsRefused):
        smtp.sendmail(SENDER, ["unknown@a.example"], RAW)


def test_what_is_pending_outlives_the_mailbox(tmp_path, page: ThreadingHTTPServer) -> None:
    """The listeners end with the mailbox, and start after it: `make run` is stopped and started anew."""
    mailbox, bounce_port, public_port = Mailbox(tmp_path, free_port(), free_port()), free_port(), free_port()
    options = ["--bounce-port", str(bounce_port), "--public-url", f"http://127.0.0.1:{public_port}"]
    mailbox.start(*options)
    link = f"http://127.0.0.1:{public_port}/u/kept"
    with mailbox.smtp() as smtp:
        smtp.sendmail(SENDER, ["bounce@a.example", "complaint@a.example"], RAW)
        smtp.sendmail(SENDER, ["unsubscribe@a.example"], f"List-Unsubscribe: <{link}>\r\n\r\nHello\r\n".encode())
    mailbox.stop()
    mailbox.start(*options)
    bounces = Bounces()
    listener = Controller(bounces, hostname="127.0.0.1", port=bounce_port, ready_timeout=60)
    listener.start()
    other = ThreadingHTTPServer(("127.0.0.1", public_port), page.RequestHandlerClass)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    seen = page.RequestHandlerClass.seen  # type: ignore[attr-defined]
    try:
        soon(lambda: bounces.ended >= 2 and ("POST", "/u/kept", "List-Unsubscribe=One-Click") in seen)
    finally:
        other.shutdown()
        other.server_close()
        thread.join()
        listener.stop()
        mailbox.stop()
    kinds = {str(message_from_bytes(content).get_param("report-type")) for *_, content in bounces.taken}
    assert kinds == {"delivery-status", "feedback-report"}
    assert not list(tmp_path.glob("pending*"))
