"""What stands around every route: headers of security and rates, a log without secrets, the count of what is held."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from ses_ops.api.bodies import HELD
from ses_ops.api.problems import INTERNAL
from ses_ops.api.rates import HEADERS, OWNER
from ses_ops.web.fault_log import without_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.routing import Route

    from ses_ops.api.services import ApiServices
    from ses_ops.web.headers import Message, Send

#: The API answers JSON; its document page, if there is one, brings its own policy.
_SAFE = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_log = logging.getLogger("ses_ops.api.access")
_faults = logging.getLogger("ses_ops.api.faults")
#: The key of the ASGI scope by which a face names its action in the log.
ACTION = "ses_ops.action"


class ApiFront:
    """A pure ASGI app around the routes."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        services: ApiServices,
        fast: Mapping[tuple[str, str], Route] | None = None,
    ) -> None:
        """`fast`: by method and path, routes that need no middleware of the app; their functions raise nothing."""
        self._app = app
        self._services = services
        self._fast = fast or {}

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
                there = {name for name, _ in headers}
                headers.extend(one for one in _SAFE if one[0] not in there)
                headers.extend(scope.get(HEADERS, ()))
            await send(message)

        try:
            fast = self._fast.get((scope["method"], scope["path"]))
            if fast is None:
                await self._app(scope, receive, sending)
            else:
                scope["app"], scope["route"] = self._app, fast
                response = await fast.endpoint(Request(scope, receive, sending))
                await response(scope, receive, sending)
        except Exception as error:
            _faults.log(logging.ERROR, "a request failed: %s", without_words(error))
            if not status:
                await INTERNAL.response(scope, receive, sending)
        finally:
            self._ended(scope)
            if _log.isEnabledFor(logging.INFO):
                took = (time.perf_counter() - began) * 1000
                _log.info("%s %s %s %s %.1f ms", scope.get(OWNER, "-"), scope["method"], loggable(scope), status, took)

    def _ended(self, scope: Message) -> None:
        if (held := scope.get(HELD)) is not None:
            self._services.held.release(held)
        if (owner := scope.get(OWNER)) is not None:
            self._services.rates.ended(owner)


def loggable(scope: Message) -> str:
    """The route of a request, never its path: that has addresses of people in it, and what strangers typed."""
    route: Any = scope.get("route")
    path = str(getattr(route, "path", None) or "/...")
    return f"{path} {scope[ACTION]}" if ACTION in scope else path
