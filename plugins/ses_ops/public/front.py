"""What stands before every route: the prefix of the public address, security headers, and a log without tokens."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

from ses_ops.web.headers import Message, with_default_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ses_ops.web.headers import Send

#: A page of ours brings its own policy, which allows its one style.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
_log = logging.getLogger("ses_ops.public.access")
#: A token is the right to what it is for, so the log has none; nor what else a stranger may put into a path.
_KNOWN = re.compile(r"/(u|hooks/[a-z_]{1,20}|health|robots\.txt)(?=/|$)")


class Front:
    """A pure ASGI app around the routes."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        prefix: str = "",
        unlogged: Mapping[str, Callable[..., Awaitable[None]]] | None = None,
    ) -> None:
        """`unlogged`: apps that bring the headers and have no line in the log, by the first octets of a path."""
        self._app = app
        self._prefix = prefix
        self._unlogged = dict(unlogged or {})

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._prefix and scope["path"].startswith(self._prefix + "/"):
            # Some proxies pass the prefix on, some take it off.
            scope = {**scope, "path": scope["path"].removeprefix(self._prefix)}
        if app := self._unlogged.get(scope["path"][:3]):
            await app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, with_default_headers(noting, HEADERS))
        finally:
            client = (scope.get("client") or ("-",))[0]
            took = (time.perf_counter() - began) * 1000
            _log.info("%s %s %s %s %.1f ms", client, scope["method"], loggable(scope["path"]), status, took)


def loggable(path: str) -> str:
    """A path without its token: `/u/...`."""
    known = _KNOWN.match(path)
    if known is None:
        return "/..."
    return known[0] if known[0] == path else known[0] + "/..."
