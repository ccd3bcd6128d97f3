"""The app of the public listener: unsubscribe page, tracked links, hooks, a health check; everything else is 404."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ses_ops.public import hooks, tracking, unsubscribe
from ses_ops.public.front import Front
from ses_ops.public.page import Shown, page
from ses_ops.public.page_words import words_of
from ses_ops.public.services import Services, services_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute


def routes() -> list[BaseRoute]:
    """All routes of the listener."""
    return [
        *unsubscribe.routes(),
        *hooks.routes(),
        Route("/health", _health),
        Route("/robots.txt", _robots),
        Route("/c/{rest:path}", _not_led),
    ]


def make_app(services: Services) -> Front:
    """The app, which starts the services and ends them."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(services.start)
        yield
        await asyncio.to_thread(services.close)

    app = Starlette(
        routes=routes(), lifespan=lifespan, exception_handlers={HTTPException: _refused, Exception: _failed}
    )
    app.router.redirect_slashes = False
    app.state.services = services
    tracked = tracking.TrackedRequests(app, services)
    return Front(app, prefix=services.prefix, unlogged=dict.fromkeys(tracking.PATHS, tracked))


def _health(request: Request) -> Response:
    """200 while events can be kept, in PostgreSQL or on disk; 503 while they cannot."""
    services = services_of(request)
    try:
        state = services.intake.state()
    except OSError:
        return JSONResponse({"status": "failing", "spool": "not there"}, 503)
    takes = state.takes_events and services.secrets.known
    fine = takes and state.database and not state.damaged and not state.disk_full
    return JSONResponse(
        {
            "status": "ok" if fine else "degraded" if takes else "failing",
            "database": "ok" if state.database else "away",
            "disk": "full" if state.disk_full else "ok",
            "token_secrets": "ok" if services.secrets.known else "missing",
            "waiting_octets": state.waiting,
            "damaged_files": state.damaged,
        },
        200 if takes else 503,
    )


def _not_led(request: Request) -> Response:
    """The page of a tracked link that leads nowhere; tracking.py has said why."""
    raise HTTPException(request.scope.get(tracking.STATUS, 404), headers={"Retry-After": "30"})


def _robots(_: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


def _refused(request: Request, problem: Exception) -> Response:
    """A page for a person; the same for every token that is not valid, and for every path that does not exist."""
    assert isinstance(problem, HTTPException)
    place = getattr(request.state, "place", None)
    status, headers = problem.status_code, dict(problem.headers or {})
    if status in (404, 429) and place is None:
        shown = Shown.UNKNOWN
    elif status in (429, 503):
        shown = Shown.LATER
    else:
        return PlainTextResponse(f"{status} {problem.detail}\n", status, headers)
    return _with(page(words_of(place or 0, _accepted(request)), shown, status=status), headers)


def _failed(request: Request, _: Exception) -> Response:
    place = getattr(request.state, "place", None)
    return page(words_of(place or 0, _accepted(request)), Shown.LATER, status=500)


def _with(response: Response, headers: dict[str, str]) -> Response:
    response.headers.update(headers)
    return response


def _accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")
