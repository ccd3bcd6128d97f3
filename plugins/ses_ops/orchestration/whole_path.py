"""Middleware of Airflow's API server that gives a request's path the prefix of `[api] base_url` back.

By ASGI a path contains the root path. Airflow sets the root path by its base URL and leaves the path as it came. So
what is mounted (login, static files, the execution API, plugins) is not found where a reverse proxy has taken the
prefix off, nor by a worker that asks the API server directly, as with `http://api-server:8080/execution/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Message, Receive, Send], Awaitable[None]]


class WholePathMiddleware:
    """A pure ASGI middleware; without a prefix, and for paths that have it, a request passes unchanged."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, with the prefix."""
        root = scope.get("root_path") or ""
        if root and scope["type"] in ("http", "websocket") and not has_prefix(scope["path"], root):
            raw = scope.get("raw_path")
            scope = {**scope, "path": root + scope["path"]}
            if raw is not None:
                scope["raw_path"] = quote(root, safe="/%~").encode("ascii") + raw
        await self.app(scope, receive, send)


def has_prefix(path: str, root: str) -> bool:
    """Whether a path is the root path or below it: `/mail` and `/mail/ses` are for `/mail`, `/mailing` is not."""
    return path == root or path.startswith(root + "/")
