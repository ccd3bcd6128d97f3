"""The security headers of every response of the console.

With them no text of a recipient, a template or a server can run in a browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.console.change_made import noting_changes
from ses_ops.web.headers import with_default_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

#: The policy: no inline script or style, no content of another host, frames in Airflow's own UI only.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
    )
)
#: The default headers; a response may set its own, such as a stricter policy for a mail's HTML.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """A pure ASGI middleware that adds HEADERS to every response that does not set its own."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        with noting_changes():
            await self.app(scope, receive, with_default_headers(send, HEADERS) if scope["type"] == "http" else send)
