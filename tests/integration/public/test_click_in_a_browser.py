"""A reader's click and open, in a real browser: where it arrives, with what, and what is recorded of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from ses_ops.events.link_tokens import LinkMaker
from ses_ops.events.tokens import Purpose
from ses_ops.storage.events.token_secrets import token_secrets
from tests.console.browser.chromium import chromium


class Shop(BaseHTTPRequestHandler):
    """The page that a link leads to; it keeps what it was asked for."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        Shop.asked.append((self.path, self.headers.get("Referer")))
        body = b"<!doctype html><title>Shop</title><h1>Sale</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    Shop.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join(20)
    server.server_close()


def test_a_reader_arrives_at_the_page_with_its_fragment_and_without_a_trace(recipients, shop):
    world = recipients.mailing.world
    secret = token_secrets(world.conn)[0]
    world.conn.rollback()
    target = f"{shop}/sale?next=https%3A%2F%2Fx.example%2F&q=caf\u00e9&empty=#part-2"
    link = f"/c/{recipients.token(1, purpose=Purpose.CLICK)}/{LinkMaker(secret).make(target, 3)}"
    pixel = f"/o/{recipients.token(1, purpose=Purpose.OPEN)}.gif"
    url = recipients.listener.url
    mail = f'<p><img src="{url}{pixel}" width="1" height="1" alt=""><a href="{url}{link}">To the sale</a>'
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(mail)
        page.wait_for_function("() => document.images[0].complete")
        assert page.evaluate("() => document.images[0].naturalWidth") == 1
        page.click("a")
        page.wait_for_selector("h1")
        assert page.url == f"{shop}/sale?next=https%3A%2F%2Fx.example%2F&q=caf%C3%A9&empty=#part-2"
    path = "/sale?next=https%3A%2F%2Fx.example%2F&q=caf%C3%A9&empty="
    assert [one for one in Shop.asked if one[0] != "/favicon.ico"] == [(path, None)]
    recipients.wait()
    rows = world.rows(
        "SELECT e.kind::text, e.rule, l.target, e.place FROM engagement e LEFT JOIN tracked_link l ON l.id = e.link_id"
        " WHERE e.occurrence_id = %s ORDER BY e.happened_at",
        recipients.mailing.occurrence_id,
    )
    # A browser that nobody sits before is none of a person's, and says so.
    assert rows == [
        ("opened", "browser_without_a_person", None, None),
        ("clicked", "browser_without_a_person", target, 3),
    ]
