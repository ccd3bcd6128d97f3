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
from os import urandom
from typing import TYPE_CHECKING
from urllib.parse import quote

import idna

from ses_ops.domain.engagement import MAX_USER_AGENT, TRACKING, Engagement, EngagementKind
from ses_ops.errors import NotSetUp, SesError
from ses_ops.events.link_tokens import MAX_LENGTH
from ses_ops.events.tokens import LENGTH, Purpose
from ses_ops.public.front import HEADERS
from ses_ops.public.rates import RequestRate, network_of
from ses_ops.web.headers import Message, with_default_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ses_ops.application.token_secrets import TokenSecrets
    from ses_ops.domain.message_event import MessageKey
    from ses_ops.public.services import Services
    from ses_ops.web.headers import Send

    Receive = Callable[[], Awaitable[Message]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

#: Where the paths begin, of clicks and of opens.
PATHS = ("/c/", "/o/")
#: The name in the scope by which the page of a link that leads nowhere has its status.
STATUS = "ses.status"
#: The smallest GIF: one transparent pixel.
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
#: Seconds for which an answer waits until its event is written; a slower disk must not keep a reader from the page.
WRITTEN_WITHIN = 0.25
_TOKEN = re.compile(rf"[0-9A-Fa-f]{{{LENGTH}}}")
_LINK = re.compile(r"[A-Za-z0-9_-]+")
#: What quoted-printable may have left in a long address.
_SOFT_BREAKS = re.compile(r"=?[\r\n\t ]+")
#: Headers by which a client says that nobody has asked for the page yet.
_AHEAD = {
    b"sec-purpose": (b"prefetch", b"prerender"),
    b"purpose": (b"prefetch", b"preview"),
    b"x-purpose": (b"prefetch", b"preview"),
    b"x-moz": (b"prefetch",),
}
_HEADERS = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in HEADERS.items()]
_URL = re.compile(r"(https?://)([^/?#\\]*)(.*)", re.IGNORECASE | re.DOTALL)
#: All of ASCII but the space: only what cannot stand in a header is encoded, the rest stays byte for byte.
_KEPT = "".join(map(chr, range(0x21, 0x7F)))
_log = logging.getLogger(__name__)


class TrackedRequests:
    """The ASGI app of both paths. It stands before the router, which would take as long as all the rest."""

    def __init__(self, app: App, services: Services) -> None:
        self._app = app
        self._services = services
        self._warnings = RequestRate(most=1, seconds=10)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request; `app` has the page of one that leads nowhere."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 204 if scope["method"] == "OPTIONS" else 405, [(b"allow", b"GET, HEAD, OPTIONS")])
        elif scope["path"].startswith(PATHS[0]):
            await self._click(scope, receive, send)
        else:
            await self._open(scope, send)

    async def _click(self, scope: Message, receive: Receive, send: Send) -> None:
        """Redirect to the target. An address that was altered is not found, as if there had never been such a link."""
        token, link = _parts(scope["path"])
        try:
            found = await self._found(token, link)
        except NotSetUp:
            await self._app({**scope, STATUS: 503}, receive, with_default_headers(send, HEADERS))
            return
        if found is None:
            status = 404 if self._services.wrong_tokens.allows(network_of(_client(scope))) else 429
            await self._app({**scope, STATUS: status}, receive, with_default_headers(send, HEADERS))
            return
        key, target, place = found
        await self._keep(scope, EngagementKind.CLICKED, key, target=target, place=place)
        await _answer(send, 302, [(b"location", location_of(target).encode("ascii"))])

    async def _open(self, scope: Message, send: Send) -> None:
        """The pixel, whatever the token."""
        token = _TOKEN.match(_SOFT_BREAKS.sub("", scope["path"][len(PATHS[1]) :][: 4 * LENGTH]))
        if token is not None:
            try:
                found = self._services.secrets.read(token[0].lower(), Purpose.OPEN)
            except NotSetUp:
                found = None
            if found is not None:
                await self._keep(scope, EngagementKind.OPENED, found[0])
        await _answer(send, 200, [(b"content-type", b"image/gif")], PIXEL)

    async def _found(self, token: str, link: str) -> tuple[MessageKey, str, int] | None:
        """The message, the target and its place. Raises NotSetUp."""
        secrets = self._services.secrets
        version = secrets.version
        found = _read(secrets, token, link)
        if found is not None or not (token and link) or self._services.intake.away:
            return found
        # It may be of a secret that was made a moment ago.
        return _read(secrets, token, link) if await asyncio.to_thread(secrets.newer_than, version) else None

    async def _keep(
        self, scope: Message, kind: EngagementKind, key: MessageKey, *, target: str = "", place: int | None = None
    ) -> None:
        """Keep an event; what cannot be kept is one of the log, because the answer must come."""
        headers = dict(scope["headers"])
        if not _is_of_person(scope["method"], headers):
            return
        if not self._services.engaging.allows(f"{key.occurrence_id}-{key.seq}"):
            return
        event = Engagement(
            kind=kind,
            source=TRACKING,
            source_id=urandom(12).hex(),
            occurred_at=datetime.now(UTC),
            message=key,
            target=target,
            place=place,
            ip=_client(scope),
            user_agent=headers.get(b"user-agent", b"").decode("latin-1")[:MAX_USER_AGENT],
        )
        try:
            async with asyncio.timeout(WRITTEN_WITHIN):
                await self._services.intake.take_soon([event])
        except TimeoutError:
            self._warn("the disk is slow: an event is not written yet, and its request is answered")
        except SesError as cause:
            self._warn(f"an event cannot be kept: {cause}")

    def _warn(self, problem: str) -> None:
        if self._warnings.allows(problem[:40]):  # there may be thousands a second
            _log.warning(problem)


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


def _parts(path: str) -> tuple[str, str]:
    """Token and link of a path, without what was added at its end; "" for what cannot be one."""
    given, _, rest = path[len(PATHS[0]) :].partition("/")
    token = _TOKEN.fullmatch(given)
    link = _LINK.match(_SOFT_BREAKS.sub("", rest[: 2 * MAX_LENGTH]))
    return token[0].lower() if token else "", link[0] if link else ""


def _read(secrets: TokenSecrets, token: str, link: str) -> tuple[MessageKey, str, int] | None:
    of_message = secrets.read(token, Purpose.CLICK)
    if of_message is None:
        return None
    leads_to = secrets.read_link(link)
    return None if leads_to is None else (of_message[0], *leads_to)


def _is_of_person(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request may be an event: no HEAD, and not one that a client makes ahead of its user."""
    if method != "GET":
        return False
    for name, words in _AHEAD.items():
        value = headers.get(name)
        if value and any(word in value.lower() for word in words):
            return False
    return True


def _client(scope: Message) -> str:
    return str((scope.get("client") or ("",))[0])


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    if status != 204:
        headers = [*headers, (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *_HEADERS]})
    await send({"type": "http.response.body", "body": body})
