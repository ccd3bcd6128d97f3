"""Tracked mail, made by the real renderer and read again by parsers that are not ours."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

from ses_ops.domain.address import parse_sender
from ses_ops.events.link_tokens import LinkMaker, LinkReader
from ses_ops.rendering.message import MessageRenderer
from ses_ops.rendering.template import MailTemplate
from ses_ops.rendering.tracked_links import Links
from ses_ops.rendering.tracking import TrackedParts, TrackedTemplate, tracked_template

PUBLIC = "https://mail.example.com"
SECRET = b"s" * 32
OPEN, CLICK, LEAVE = "0a" * 28, "1b" * 28, "2c" * 28
PIXEL = f'<img src="{PUBLIC}/o/{OPEN}.gif" width="1" height="1" alt="" style="display:block;border:0">'


def tracked(template: MailTemplate, *, opens: bool = True, clicks: bool = True, leave: Any = None) -> TrackedTemplate:
    links = Links(LinkMaker(SECRET), public_url=PUBLIC, unsubscribe_url=leave) if clicks else None
    return tracked_template(template, TrackedParts(public_url=PUBLIC, opens=opens, links=links))


def renderer(template: MailTemplate, *, opens: bool = True, clicks: bool = True, **options: Any) -> MessageRenderer:
    found = tracked(template, opens=opens, clicks=clicks, leave=options.get("unsubscribe_url"))
    sender = parse_sender("Shop <news@mail.example.com>")
    return MessageRenderer(template, sender=sender, installation_id="a1", tracked=found, **options)


def bodies(template: MailTemplate, values: dict[str, str] | None = None, **options: Any) -> tuple[str, str]:
    """The HTML and the text of a message, as a mail program decodes them."""
    raw = renderer(template, **options).render(
        occurrence_id=1,
        seq=2,
        address="ann@example.org",
        values=values or {},
        unsubscribe_token=LEAVE,
        open_token=OPEN,
        click_token=CLICK,
    )
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert text is not None
    shown = [part.get_content().replace("\r\n", "\n") if part is not None else "" for part in (html, text)]
    return shown[0], shown[1]


class Anchors(HTMLParser):
    """The `href` of each link of a page, by the parser of the standard library."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "area"):
            self.found += [value for name, value in attrs if name == "href"]


def opened(address: str | None) -> tuple[str, int] | None:
    """What a tracked address leads to, and its place; None for any other."""
    before = f"{PUBLIC}/c/{CLICK}/"
    if address is None or not address.startswith(before):
        return None
    return LinkReader([SECRET]).read(address.removeprefix(before))
