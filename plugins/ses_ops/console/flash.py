"""A flash: one sentence for the next page about what was just done.

The flash is kept in a cookie, which the next page removes. The cookie is the person's own and the sentence is shown as
text, so the cookie needs no signature.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "ses_flash"
#: Characters of the longest sentence; a cookie holds 4 kB.
LONGEST = 600
#: Seconds for which the cookie is kept.
KEPT_FOR = 60

Kind = Literal["done", "problem", "note"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flash:
    """A sentence, and its kind."""

    kind: Kind
    text: str


def set_flash(request: Request, answer: Response, flash: Flash) -> None:
    """Set the cookie with a sentence for the next page."""
    content = json.dumps([flash.kind, flash.text[:LONGEST]]).encode()
    answer.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(content).decode("ascii"),
        max_age=KEPT_FOR,
        path=request.scope.get("root_path") or "/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def take_flash(request: Request) -> Flash | None:
    """The sentence for this page; None without one. `forget_flash` removes the cookie."""
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(request.cookies[COOKIE].encode("ascii")))
        return Flash(kind=kind, text=str(text)[:LONGEST]) if kind in ("done", "problem", "note") else None
    except (KeyError, ValueError, TypeError):
        return None


def forget_flash(request: Request, answer: Response) -> None:
    """Remove the cookie with the sentence."""
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path=request.scope.get("root_path") or "/", httponly=True, samesite="strict")
