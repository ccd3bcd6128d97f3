"""The console as an ASGI application that is built at the first request.

Every component of Airflow loads the plugin, each task's process too, and only the API server ever serves a request. So
the object for the plugin loader must import nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]


class LazyConsole:
    """Builds the console once, in the first request, and passes every request on to it."""

    def __init__(self) -> None:
        self._app: Any = None
        self._lock = threading.Lock()

    @property
    def app(self) -> Any:
        """The FastAPI application of the console."""
        with self._lock:
            if self._app is None:
                from ses_ops.console.app import build_app

                self._app = build_app()
            return self._app

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        await self.app(scope, receive, send)
