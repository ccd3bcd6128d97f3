"""The page of the listener: one template, its style in it, no script and no other resource."""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from ses_ops.application.unsubscribe import Subscription
    from ses_ops.public.page_words import PageWords

_FOLDER = Path(__file__).with_name("html")
#: The hidden field of the page's form, and its values.
WANTS, LEAVE, RETURN = "wants", "leave", "return"


class Shown(StrEnum):
    """What a page says; the beginning of its texts' names."""

    ASK = "ask"
    DONE = "done"
    UNDONE = "undone"
    #: There is no such page; the same for each token that is not valid.
    UNKNOWN = "unknown"
    #: It was not saved.
    LATER = "later"


@cache
def _style() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@cache
def content_security_policy() -> str:
    """The policy: nothing but the one style, named by its hash, and forms that go back to this listener."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def page(words: PageWords, shown: Shown, found: Subscription | None = None, *, status: int = 200) -> HTMLResponse:
    """A page; without `found` it names neither address nor domain."""
    plain = found is None and hasattr(words, f"{shown}_plainly")
    text = getattr(words, f"{shown}_plainly" if plain else shown)
    if found is not None:
        text = Markup(escape(text)).format(address=_isolated(found.address), domain=_isolated(found.sender_domain))  # noqa: S704
    content = (
        _environment()
        .get_template("page.html")
        .render(
            words=words,
            shown=shown.value,
            title=getattr(words, f"{shown}_title"),
            text=text,
            style=Markup(_style()),  # noqa: S704 - our own file
            wants=WANTS,
            leave=LEAVE,
            back=RETURN,
        )
    )
    headers = {"Content-Language": words.language.value, "Content-Security-Policy": content_security_policy()}
    return HTMLResponse(content, status_code=status, headers=headers)


def _isolated(value: str) -> Markup:
    """A value that stands in a text of either direction as it is written (HTML's bdi)."""
    return Markup('<bdi dir="ltr">{}</bdi>').format(value)
