"""The native API: JSON below `/v1`, one resource a file, an OpenAPI document of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.api.rest import (
    batch,
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
    *(domains, sums, events),
)


def add_routes(app: FastAPI) -> None:
    """Add all routes of the native API, and its document."""
    # Before FastAPI's route of the same path, which documents it: it has neither parameters nor a model to look at.
    app.add_route(new_message.PATH, new_message.new_message, methods=["POST"], include_in_schema=False)
    for one in RESOURCES:
        app.include_router(one.router)
    describe(app)
