"""The local mailbox in a browser: on a desktop and a phone, in both themes, by keyboard, while mail arrives."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ses_ops.stack.mailbox.reading import search_words
from ses_ops.stack.mailbox.store import MessageStore, MessageWriter
from ses_ops.stack.mailbox.web import mailbox_app
from tests.console.browser.chromium import axe_violations

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def store(tmp_path: Path) -> MessageStore:
    return MessageStore(tmp_path / "mailbox", search_words)


@pytest.fixture
def url(store: MessageStore) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(mailbox_app(store), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.05)
    yield "http://{}:{}".format(*server.servers[0].sockets[0].getsockname())
    server.should_exit = True
    thread.join(20)


def _put(store: MessageStore, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <news@mail.example.com>", "anna@x.example", subject
    message.set_content("In text: " + "a long line without an end " * 20 + "x" * 400)
    message.add_alternative("<p>In HTML</p>", subtype="html")
    message.add_attachment(b"data", maintype="application", subtype="pdf", filename="offer-" + "long-" * 30 + ".pdf")

    def write() -> None:
        async def add() -> None:
            writer = MessageWriter(store)
            writing = asyncio.create_task(writer.run())
            await writer.add("news@mail.example.com", ("anna@x.example",), message.as_bytes())
            writing.cancel()

        asyncio.run(add())

    # A thread of its own: Playwright's event loop is this one's.
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390), ("light", 320)])
def test_the_mailbox_shuts_nobody_out(browser: Any, url: str, store: MessageStore, scheme: str, width: int) -> None:
    _put(store, "A subject that goes on and on " * 12 + "W" * 200)
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 700})
    try:
        page = context.new_page()
        for path in ("/", "/?q=nothing-like-that", "/clear", *(f"/messages/1?view={one}" for one in LOOKS)):
            page.goto(url + path)
            assert page.evaluate(WIDER) <= 0, f"{path} is wider than {width} px"
            assert axe_violations(page) == [], path
    finally:
        context.close()


LOOKS = ("html", "text", "code", "headers", "source")


def _late(route: Any) -> None:
    time.sleep(0.3)
    route.continue_()


def _arrives(page: Any, role: str, name: str) -> None:
    """The next page is there with its script, which knows the keys."""
    page.get_by_role(role, name=name).wait_for(timeout=30_000)
    page.wait_for_load_state()


def test_by_keyboard_while_mail_arrives(browser: Any, url: str, store: MessageStore) -> None:
    _put(store, "first")
    context = browser.new_context()
    try:
        page = context.new_page()
        # A page shows its words before its script has come. Here that is always so.
        page.route("**/mailbox.js", _late)
        page.goto(url)
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.textContent") == "first"
        _put(store, "second")
        page.get_by_role("link", name="second").wait_for(timeout=30_000)
        assert page.evaluate("document.activeElement.textContent") == "first", "the focus was lost when mail arrived"
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        _arrives(page, "heading", "second")
        page.keyboard.press("j")
        _arrives(page, "heading", "first")
        page.keyboard.press("u")
        _arrives(page, "link", "second")
        page.keyboard.press("/")
        page.keyboard.type("seco")
        page.keyboard.press("Enter")
        page.get_by_role("status").get_by_text("1 message with").wait_for(timeout=30_000)
        page.get_by_role("link", name="Clear").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("link", name="first").wait_for(timeout=30_000)
        assert page.get_by_role("link", name="second").count() == 0
    finally:
        context.close()
