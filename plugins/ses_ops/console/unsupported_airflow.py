"""The console on an unsupported Airflow: one page that says so.

This imports nothing of Airflow.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ses_ops.orchestration.console_link import NAV_ROUTE, PREFIX, root_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ses-ops</title>
<style>body { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; margin: 3rem; max-width: 40rem }</style>
</head><body><h1>ses-ops is not active</h1><p>%s.</p></body></html>
"""


def refused_apps(why: str) -> list[dict[str, Any]]:
    """The value of `AirflowPlugin.fastapi_apps`."""
    return [{"app": RefusedConsole(why), "url_prefix": PREFIX, "name": "ses-ops console"}]


def refused_views() -> list[dict[str, Any]]:
    """The value of `AirflowPlugin.external_views`, for an Airflow that has external views."""
    return [{"name": "Mail", "href": f"{root_path()}{PREFIX}/", "destination": "nav", "url_route": NAV_ROUTE}]


class RefusedConsole:
    """An ASGI application that answers every request with the sentence."""

    def __init__(self, why: str) -> None:
        self._page = (_PAGE % escape(why)).encode()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],  # noqa: ARG002 - the interface of ASGI
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": self._page})
