"""The native API: JSON below `/v1`, one resource a file, an OpenAPI document of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.api.rest import domains, events, messages, sums
from ses_ops.api.rest.documents import describe

if TYPE_CHECKING:
    from fastapi import FastAPI

#: The resources, in the order of the document.
RESOURCES = (messages, domains, sums, events)


def add_routes(app: FastAPI) -> None:
    """Add all routes of the native API, and its document."""
    for one in RESOURCES:
        app.include_router(one.router)
    describe(app)
