"""The console as a FastAPI application: every route needs a login, every change a request of our own pages."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from ses_ops.console import static_files
from ses_ops.console.access import signed_in
from ses_ops.console.error_pages import add_error_pages
from ses_ops.console.headers import SecurityHeaders
from ses_ops.console.pages import (
    bulk_tasks,
    domain_plan,
    domains,
    edit_task,
    group_imports,
    group_look,
    group_recipients,
    group_upload,
    groups,
    message_export,
    new_task,
    overview,
    people,
    send_now,
    send_tasks,
    suppression,
    suppression_import,
    suppression_reports,
    task,
    task_actions,
    templates,
    test_sends,
)
from ses_ops.console.same_origin import readable_address, same_origin
from ses_ops.rendering import apart

#: One line a page.
PAGES = (
    overview.router,
    send_tasks.router,
    bulk_tasks.router,
    task.router,
    message_export.router,
    new_task.router,
    edit_task.router,
    task_actions.router,
    send_now.router,
    domains.router,
    domain_plan.router,
    groups.router,
    group_upload.router,
    group_look.router,
    group_recipients.router,
    group_imports.router,
    templates.router,
    test_sends.router,
    suppression.router,
    suppression_import.router,
    suppression_reports.router,
    people.router,
)


class Console(FastAPI):
    """FastAPI whose answers all carry the security headers: also that to an error which nobody expected."""

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own middlewares run around those that an application can add."""
        return SecurityHeaders(super().build_middleware_stack())


def build_app() -> FastAPI:
    """The application, to be mounted in Airflow's API server, whose login it uses."""
    apart.begin()
    app = Console(
        title="ses-ops console",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(signed_in), Depends(same_origin), Depends(readable_address)],
    )
    for router in (static_files.router, *PAGES):
        app.include_router(router)
    add_error_pages(app)
    return app
