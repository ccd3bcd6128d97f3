"""The list of endpoints, and the page of one of them."""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.callbacks.endpoint_decisions import shown_endpoints
from ses_ops.console import callback_labels
from ses_ops.console.access import may_write_quota, reads_shared
from ses_ops.console.database import reading
from ses_ops.console.forms import Form
from ses_ops.console.page import render
from ses_ops.storage.callbacks.deliveries import deliveries, retried
from ses_ops.storage.callbacks.endpoints import deliverers_alive

router = APIRouter()

#: Number of posts on a page.
SIZE = 50


@router.get("/callbacks", dependencies=[Depends(reads_shared)])
def callbacks(request: Request, user: GetUserDep) -> Response:
    """All endpoints, and the last posts to any of them."""
    with reading() as conn:
        found, alive = shown_endpoints(conn), deliverers_alive(conn)
        waiting, ended = retried(conn, limit=SIZE), deliveries(conn, limit=SIZE)
    return render(
        request,
        "callbacks/list.html",
        endpoints=found,
        alive=alive,
        waiting=waiting,
        ended=ended,
        may_write=may_write_quota(user),
        **callback_labels.ON_PAGES,
    )


@router.get("/callbacks/{endpoint}", dependencies=[Depends(reads_shared)])
def callback(request: Request, endpoint: str, user: GetUserDep) -> Response:
    """One endpoint."""
    return endpoint_page(request, user, endpoint)


def endpoint_page(
    request: Request, user: BaseUser, endpoint: str, *, form: Form | None = None, status: int = 200
) -> Response:
    """The page of an endpoint, perhaps with a form that was not accepted. Raises NotFound."""
    failed = request.query_params.get("show") == "failed"
    with reading() as conn:
        (one,) = shown_endpoints(conn, name=endpoint)
        alive = deliverers_alive(conn)
        waiting = retried(conn, endpoint=endpoint, limit=SIZE)
        ended = deliveries(conn, endpoint=endpoint, not_delivered=failed, limit=SIZE)
    return render(
        request,
        "callbacks/endpoint.html",
        status=status,
        one=one,
        alive=alive,
        waiting=waiting,
        ended=ended,
        failed=failed,
        form=form or Form.of(event="", since="", until=""),
        may_write=may_write_quota(user),
        **callback_labels.ON_PAGES,
    )
