"""The console as a FastAPI application.

Every route needs a login, and every change a request of the console's own pages.
"""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from ses_ops.console import static_files
from ses_ops.console.access import signed_in
from ses_ops.console.callbacks import add as callback_add
from ses_ops.console.callbacks import decide as callback_decisions
from ses_ops.console.callbacks import pages as callback_pages
from ses_ops.console.domains import bounce_domain
from ses_ops.console.domains import decide as domain_decisions
from ses_ops.console.domains import pages as domain_pages
from ses_ops.console.domains import plan as domain_plan
from ses_ops.console.domains import tracking as domain_tracking
from ses_ops.console.error_pages import add_error_pages
from ses_ops.console.feedback import held as held_suppressions
from ses_ops.console.feedback import page as feedback
from ses_ops.console.feedback import self_test, unmatched
from ses_ops.console.groups import imports as group_imports
from ses_ops.console.groups import list as group_list
from ses_ops.console.groups import preview as group_preview
from ses_ops.console.groups import recipients as group_recipients
from ses_ops.console.groups import upload as group_upload
from ses_ops.console.headers import SecurityHeaders
from ses_ops.console.keys import pages as key_pages
from ses_ops.console.messages import actions as single_message_actions
from ses_ops.console.messages import list as single_message_list
from ses_ops.console.messages import page as single_message
from ses_ops.console.overview import page as overview
from ses_ops.console.people import history as people_history
from ses_ops.console.people import page as people
from ses_ops.console.same_origin import readable_address, same_origin
from ses_ops.console.statistics import page as statistics
from ses_ops.console.statistics import task as task_statistics
from ses_ops.console.suppression import imports as suppression_imports
from ses_ops.console.suppression import list as suppression_list
from ses_ops.console.suppression import reports as suppression_reports
from ses_ops.console.suppression import undo as suppression_undo
from ses_ops.console.tasks import actions as task_actions
from ses_ops.console.tasks import bulk as task_bulk
from ses_ops.console.tasks import edit as task_edit
from ses_ops.console.tasks import export as task_export
from ses_ops.console.tasks import list as task_list
from ses_ops.console.tasks import message as task_message
from ses_ops.console.tasks import new as task_new
from ses_ops.console.tasks import page as task_page
from ses_ops.console.tasks import send_now as task_send_now
from ses_ops.console.templates import list as template_list
from ses_ops.console.templates import test_sends
from ses_ops.rendering import worker

#: The routers, one line for each group of pages.
PAGES = (
    overview.router,
    task_list.router,
    task_bulk.router,
    task_page.router,
    task_export.router,
    task_message.router,
    task_new.router,
    task_edit.router,
    task_actions.router,
    task_send_now.router,
    single_message_list.router,
    single_message.router,
    single_message_actions.router,
    domain_pages.router,
    domain_plan.router,
    bounce_domain.router,
    domain_tracking.router,
    domain_decisions.router,
    group_list.router,
    group_upload.router,
    group_preview.router,
    group_recipients.router,
    group_imports.router,
    template_list.router,
    test_sends.router,
    suppression_list.router,
    suppression_imports.router,
    suppression_reports.router,
    suppression_undo.router,
    people_history.router,
    people.router,
    statistics.router,
    task_statistics.router,
    feedback.router,
    unmatched.router,
    held_suppressions.router,
    self_test.router,
    callback_pages.router,
    callback_add.router,
    callback_decisions.router,
    key_pages.router,
)


class Console(FastAPI):
    """A FastAPI application whose responses all have the security headers, also those to unexpected errors."""

    def build_middleware_stack(self) -> ASGIApp:
        """Add the headers outermost: FastAPI's own middlewares run around those that an application can add."""
        return SecurityHeaders(super().build_middleware_stack())


def build_app() -> FastAPI:
    """The application, to be mounted in Airflow's API server, whose login it uses."""
    worker.begin()
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
