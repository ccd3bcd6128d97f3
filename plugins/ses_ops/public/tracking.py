"""Tracked links at `/c/TOKEN/LINK` and the pixel of opens at `/o/TOKEN.gif`.

A click is answered by a redirect to exactly the target that this installation has signed: nothing in an address can
choose another, so it is no open redirect, and there is nothing to look up. The event goes to the disk before the answer
(application/event_intake.py), never to PostgreSQL. The pixel is the same for every address, so it tells nobody whether
a token is valid.
"""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

import idna
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from ses_ops.domain.engagement import MAX_USER_AGENT, TRACKING, Engagement, EngagementKind
from ses_ops.errors import NotSetUp, SesError
from ses_ops.events.link_tokens import MAX_LENGTH
from ses_ops.events.tokens import LENGTH, Purpose
from ses_ops.public.rates import network_of
from ses_ops.public.services import services_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from ses_ops.domain.message_event import MessageKey
    from ses_ops.public.services import Services

#: The smallest GIF: one transparent pixel.
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
#: Seconds for which an answer waits until its event is written; a slower disk must not keep a reader from the page.
WRITTEN_WITHIN = 0.25
_METHODS = ["GET", "HEAD", "OPTIONS"]
_TOKEN = re.compile(rf"[0-9A-Fa-f]{{{LENGTH}}}")
_LINK = re.compile(r"[A-Za-z0-9_-]+")
#: What quoted-printable may have left in a long address.
_SOFT_BREAKS = re.compile(r"=?[\r\n\t ]+")
#: Headers by which a client says that nobody has asked for the page yet.
_AHEAD = {
    "sec-purpose": ("prefetch", "prerender"),
    "purpose": ("prefetch", "preview"),
    "x-purpose": ("prefetch", "preview"),
    "x-moz": ("prefetch",),
}
_URL = re.compile(r"(https?://)([^/?#\\]*)(.*)", re.IGNORECASE | re.DOTALL)
#: All of ASCII but the space: only what cannot stand in a header is encoded, the rest stays byte for byte.
_KEPT = "".join(map(chr, range(0x21, 0x7F)))
_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        Route("/c/{token}/{link:path}", _click, methods=_METHODS),
        Route("/o/{name:path}", _open, methods=_METHODS),
    ]


async def _click(request: Request) -> Response:
    """Redirect to the target. An address that was altered is not found, as if there had never been such a link."""
    if request.method == "OPTIONS":
        return _options()
    services = services_of(request)
    key, target, place = await _checked(request, services)
    if _is_of_person(request):
        await _keep(request, services, EngagementKind.CLICKED, key, target=target, place=place)
    return Response(status_code=302, headers={"Location": location_of(target)})


async def _open(request: Request) -> Response:
    """The pixel, whatever the token."""
    if request.method == "OPTIONS":
        return _options()
    services = services_of(request)
    token = _TOKEN.match(_SOFT_BREAKS.sub("", request.path_params["name"][: 4 * LENGTH]))
    if token is not None and _is_of_person(request):
        try:
            found = services.secrets.read(token[0].lower(), Purpose.OPEN)
        except NotSetUp:
            found = None
        if found is not None:
            await _keep(request, services, EngagementKind.OPENED, found[0])
    return Response(PIXEL, media_type="image/gif")


def location_of(target: str) -> str:
    """A target as the header Location has it (RFC 9110 10.2.2): ASCII, as it was where that is possible.

    Other characters are percent-encoded as UTF-8, and in the host they are the A-labels of IDNA.
    """
    if target.isascii() and " " not in target:
        return target
    found = _URL.fullmatch(target)
    assert found is not None, "a signed target is an absolute address"
    scheme, authority, rest = found.groups()
    user, at, host = authority.rpartition("@")
    name, colon, port = host.partition(":")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            name = quote(name, safe=_KEPT)
    return scheme + quote(user, safe=_KEPT) + at + name + colon + quote(port + rest, safe=_KEPT)


async def _checked(request: Request, services: Services) -> tuple[MessageKey, str, int]:
    """The message, the target and its place. Raises HTTPException 404, 429, 503."""
    token, link = _parts(request)
    try:
        found = _read(services, token, link)
        if found is None and token and link and not services.intake.away:
            # It may be of a secret that was made a moment ago.
            await asyncio.to_thread(services.secrets.refreshed)
            found = _read(services, token, link)
    except NotSetUp as cause:
        raise HTTPException(503, headers={"Retry-After": "30"}) from cause
    if found is None:
        client = network_of(_client(request))
        raise HTTPException(404 if services.wrong_tokens.allows(client) else 429)
    return found


def _parts(request: Request) -> tuple[str, str]:
    """Token and link of a path, without what was added at its end; "" for what cannot be one."""
    given = request.path_params
    token = _TOKEN.fullmatch(given["token"])
    link = _LINK.match(_SOFT_BREAKS.sub("", given["link"][: 2 * MAX_LENGTH]))
    return token[0].lower() if token else "", link[0] if link else ""


def _read(services: Services, token: str, link: str) -> tuple[MessageKey, str, int] | None:
    of_message = services.secrets.read(token, Purpose.CLICK)
    if of_message is None:
        return None
    leads_to = services.secrets.read_link(link)
    return None if leads_to is None else (of_message[0], *leads_to)


def _is_of_person(request: Request) -> bool:
    """Whether a request may be an event: no HEAD, and not one that a client makes ahead of its user."""
    if request.method != "GET":
        return False
    headers = request.headers
    for name, words in _AHEAD.items():
        value = headers.get(name)
        if value and any(word in value.lower() for word in words):
            return False
    return True


async def _keep(
    request: Request,
    services: Services,
    kind: EngagementKind,
    key: MessageKey,
    *,
    target: str = "",
    place: int | None = None,
) -> None:
    """Keep an event; what cannot be kept is one of the log, because the answer must come."""
    if not services.engaging.allows(f"{key.occurrence_id}-{key.seq}"):
        return
    event = Engagement(
        kind=kind,
        source=TRACKING,
        source_id=uuid4().hex,
        occurred_at=datetime.now(UTC),
        message=key,
        target=target,
        place=place,
        ip=_client(request),
        user_agent=request.headers.get("user-agent", "")[:MAX_USER_AGENT],
    )
    try:
        await asyncio.wait_for(services.intake.take_soon([event]), WRITTEN_WITHIN)
    except TimeoutError:
        _log.warning("the disk is slow: an event is not written yet, and its request is answered")
    except SesError as cause:
        _log.warning("an event cannot be kept: %s", cause)


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _options() -> Response:
    return Response(status_code=204, headers={"Allow": ", ".join(_METHODS)})
