"""The unsubscribe page and the one-click request of RFC 8058, at `/u/TOKEN`.

GET and HEAD change nothing, because scanners and previews follow links. A POST with `List-Unsubscribe=One-Click` is
answered without a page or a redirect; the page's own form has a field of its own.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ses_ops.application.unsubscribe import ONE_CLICK, PAGE, subscription_event
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import NotSetUp, SesError
from ses_ops.events.tokens import LENGTH, Purpose
from ses_ops.public.bodies import read_form
from ses_ops.public.page import LEAVE, RETURN, WANTS, Shown, page
from ses_ops.public.page_words import words_of
from ses_ops.public.rates import network_of
from ses_ops.public.services import services_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from ses_ops.domain.message_event import MessageKey

#: A token, and what a mail program or a person may have added at its end or left of quoted-printable in it.
_TOKEN = re.compile(rf"([0-9A-Fa-f]{{{LENGTH}}})[^0-9A-Za-z]*")
_SOFT_BREAKS = re.compile(r"=?[\r\n\t ]+|=(?=[0-9A-Fa-f])")
_KINDS = {LEAVE: EventKind.UNSUBSCRIBED, RETURN: EventKind.RESUBSCRIBED}


def routes() -> list[Route]:
    """The routes of this module."""
    return [Route(path, _answer, methods=["GET", "POST"]) for path in ("/u/{token}", "/u/{token}/")]


def bare_token(given: str) -> str:
    """The token of a path, without what was added to it on its way."""
    found = _TOKEN.fullmatch(_SOFT_BREAKS.sub("", given[: 4 * LENGTH]))
    return found[1].lower() if found else ""


async def _answer(request: Request) -> Response:
    key, place = await _checked(request)
    request.state.place = place  # the language of a page that says that something failed
    if request.method == "POST":
        return await _change(request, key, place)
    return await _show(request, key, place)


async def _show(request: Request, key: MessageKey, place: int) -> Response:
    found = await services_of(request).subscriptions.find(key)
    shown = Shown.DONE if found is not None and found.unsubscribed else Shown.ASK
    return page(words_of(place, _accepted(request)), shown, found)


async def _change(request: Request, key: MessageKey, place: int) -> Response:
    form = await read_form(request)
    fields = {name.strip().lower(): value.strip().lower() for name, value in form.items()}
    if fields.get("list-unsubscribe") == "one-click":
        await _keep(request, key, EventKind.UNSUBSCRIBED, ONE_CLICK)
        return PlainTextResponse("unsubscribed\n")
    kind = _KINDS.get(form.get(WANTS, ""))
    if kind is None:
        found = await services_of(request).subscriptions.find(key)
        return page(words_of(place, _accepted(request)), Shown.ASK, found, status=400)
    await _keep(request, key, kind, PAGE)
    found = await services_of(request).subscriptions.find(key)
    shown = Shown.DONE if kind is EventKind.UNSUBSCRIBED else Shown.UNDONE
    return page(words_of(place, _accepted(request)), shown, found)


async def _checked(request: Request) -> tuple[MessageKey, int]:
    """The message and the extra byte of the token in the path. Raises HTTPException 404, 429, 503."""
    services, token = services_of(request), bare_token(request.path_params["token"])
    version = services.secrets.version
    try:
        found = services.secrets.read(token, Purpose.UNSUBSCRIBE)
        if (
            found is None
            and token
            and not services.intake.away
            and await asyncio.to_thread(services.secrets.newer_than, version)
        ):
            found = services.secrets.read(token, Purpose.UNSUBSCRIBE)
    except NotSetUp as cause:
        raise HTTPException(503, headers={"Retry-After": "30"}) from cause
    if found is None:
        client = network_of(request.client.host if request.client else "")
        raise HTTPException(404 if services.wrong_tokens.allows(client) else 429)
    return found


async def _keep(request: Request, key: MessageKey, kind: EventKind, source: str) -> None:
    """Keep the wish of a token's holder. Raises HTTPException 429, 503."""
    services = services_of(request)
    name = f"{key.occurrence_id}-{key.seq}"
    if kind is EventKind.RESUBSCRIBED:
        allowed = services.coming_back.allows(name)
        services.leaving.forget(name)  # whoever came back can leave
    else:
        allowed = services.leaving.allows(name)
    if not allowed:
        raise HTTPException(429, headers={"Retry-After": "3600"})
    event = subscription_event(key, kind=kind, source=source, moment=datetime.now(UTC))
    try:
        # What follows the page's form is a page with what is so now; nobody looks at a page after one click.
        await (services.intake.take if source == PAGE else services.intake.take_to_disk)([event])
    except SesError as cause:
        raise HTTPException(503, headers={"Retry-After": "30"}) from cause


def _accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")
