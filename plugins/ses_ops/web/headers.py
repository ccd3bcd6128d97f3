"""Headers that every response has unless it sets its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def with_default_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """An ASGI `send` that adds `headers` to a response that does not have them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = MutableHeaders(scope=message)
            for name, value in headers.items():
                there.setdefault(name, value)
        await send(message)

    return sending
