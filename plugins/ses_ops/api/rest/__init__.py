"""The native API: JSON below `/v1`, one resource a file, an OpenAPI document of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from ses_ops.api.rest import (
    batch,
    domain_changes,
    domains,
    events,
    group_recipients,
    groups,
    messages,
    new_message,
    repeated,
    sums,
    suppressions,
    task_decisions,
    task_messages,
    tasks,
    templates,
)
from ses_ops.api.rest.documents import describe

if TYPE_CHECKING:
    from fastapi import FastAPI

#: The resources, in the order of the document.
RESOURCES = (
    *(new_message, batch, messages, repeated),
    *(tasks, task_decisions, task_messages, groups, group_recipients, suppressions, templates),
    *(domains, domain_changes, sums, events),
)

#: Routes that need no middleware, parameters or models; FastAPI's own of the same path only documents them.
FAST = {("POST", new_message.PATH): Route(new_message.PATH, new_message.new_message, methods=["POST"])}


def add_routes(app: FastAPI) -> None:
    """Add all routes of the native API, and its document."""
    for one in RESOURCES:
        app.include_router(one.router)
    describe(app)
