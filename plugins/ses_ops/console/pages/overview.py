"""The landing page."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console.access import reads_console
from ses_ops.console.forms import see_other

router = APIRouter()


@router.get("/", dependencies=[Depends(reads_console)])
def overview(request: Request) -> Response:
    """Until there is an overview, the list of send tasks."""
    return see_other(request, "/tasks")
