"""The app of the API: native REST below `/v1`, the reference's API at `/`, a health check."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ses_ops import __version__
from ses_ops.api import rest, tencent
from ses_ops.api.front import ApiFront
from ses_ops.api.keys import proved_key
from ses_ops.api.problems import INTERNAL, Refusal, problem_of
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ses_ops.api.services import ApiServices

#: What a client asks for in vain: no route, another method.
_CODES = {404: "no_such_resource", 405: "method_not_allowed"}


def make_app(services: ApiServices) -> ApiFront:
    """The app, which starts the services and ends them."""
    return ApiFront(make_routes(services), services, fast=rest.FAST)


def make_routes(services: ApiServices) -> FastAPI:
    """The app without its front."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.start()
        yield
        await services.close()

    app = FastAPI(
        title="ses-ops",
        version=__version__,
        lifespan=lifespan,
        openapi_url="/openapi.json",
        # Both pages would load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            SesError: _refused,
            HTTPException: _not_served,
            RequestValidationError: _not_valid,
            Exception: _failed,
        },
    )
    app.state.services = services
    app.state.held = services.held
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_api_route("/v1/key", _own_key, summary="What the key of the request may do", tags=["keys"])
    rest.add_routes(app)
    tencent.add_routes(app)
    return app


async def _health(request: Request) -> Response:
    """200 while messages are accepted; 503 while they are not."""
    services: ApiServices = request.app.state.services
    said: dict[str, Any] = {"status": "ok", "settings": "ok" if services.airflow.known else "missing"}
    said |= services.mail.health()
    if not services.airflow.known:
        said["status"] = "failing"
    return JSONResponse(said, 503 if said["status"] == "failing" else 200)


async def _own_key(request: Request) -> dict[str, Any]:
    """The id, scopes and sender domains of the key: for a program that wants to know whether it is set up."""
    key = await proved_key(request)
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "domains": sorted(key.domains),
        "per_second": key.per_second or request.app.state.services.rates.per_second,
    }


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, SesError)
    return problem_of(error).response


async def _not_served(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "request_not_served")
    return problem_of(Refusal(error.status_code, code, headers=error.headers)).response


async def _not_valid(_: Request, error: Exception) -> Response:
    """What FastAPI itself found wrong: its words, and the place."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(one) for one in first.get("loc", ()) if one not in ("body", "query", "path", "header"))
    why = str(first.get("msg", ""))[:200]
    return problem_of(Refusal(400, "field_not_usable", field=place or None, why=why)).response


async def _failed(_: Request, __: Exception) -> Response:
    return INTERNAL.response
