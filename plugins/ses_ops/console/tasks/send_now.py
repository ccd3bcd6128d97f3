"""Pages that start a triggered or recurring task by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.application.send_now import start_now as start
from ses_ops.application.send_now import startable, starts_again
from ses_ops.application.task_content import FirstMessage, check_content, first_message
from ses_ops.console.access import starts_task
from ses_ops.console.actor import actor_of
from ses_ops.console.change_made import note_change
from ses_ops.console.database import reading
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.tasks.facts import task_facts
from ses_ops.console.tasks.forecast import LeavingDays, leaving_days
from ses_ops.console.tasks.form_pages import task_page
from ses_ops.domain.forecast import PendingMail
from ses_ops.domain.occurrence import SEND_AGAIN
from ses_ops.errors import InvalidInput, NotFound, TemplateError
from ses_ops.orchestration import control, test_send_runs
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import database_now

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask

router = APIRouter()

#: Pattern of the run's id in the form: it is made with the page, so that a form sent twice starts one run.
_RUN_ID = re.compile(r"console__[0-9T-]{19}_[0-9a-f]{6}")
_TICK = N_("Tick this: the task has a schedule, and a start by hand is one more.")
_NOT_READ = N_("Airflow has not read the DAG of %(name)s yet. Try again in a minute.")


@dataclass(frozen=True, kw_only=True)
class Start:
    """The review of a start by hand."""

    recipients: int
    suppressed: int
    leaving: LeavingDays
    message: FirstMessage

    @property
    def count(self) -> int:
        """Number of recipients who would get the mail now."""
        return self.recipients - self.suppressed


@router.get("/tasks/{name}/send-now", dependencies=[Depends(starts_task)])
def send_now(request: Request, name: str) -> Response:
    """The form, with the fields of the DAG's trigger form, and the review. 409 for a task that cannot start."""
    return _page(request, _task(name), Form.of(run=test_send_runs.new_run_id()))


@router.post("/tasks/{name}/send-now", dependencies=[Depends(starts_task)])
def start_now(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Start the run; the same form sent again starts no second run."""
    words, task = language_of(request), _task(name)
    if starts_again(task) and not form.checked(SEND_AGAIN):
        form.problem(SEND_AGAIN, words.gettext(_TICK))
        return _page(request, task, form, status=422)
    given = form.text("run")
    run_id = given if _RUN_ID.fullmatch(given) else test_send_runs.new_run_id()
    try:
        done = start(actor_of(user), control, task, run_id=run_id)
    except NotFound:
        form.problem("", words.gettext(_NOT_READ, name=name))
        return _page(request, task, form, status=409)
    note_change()
    starts, started = N_("%(name)s starts. Its mail leaves as the quota allows."), N_("%(name)s was started already.")
    text = words.gettext(starts if done.changed else started, name=name)
    return see_other(request, task_page(request, user, name), Flash(kind="done", text=text))


def _task(name: str) -> SendTask:
    """Raises NotFound, and Conflict for a task that cannot start by hand now."""
    with reading() as conn:
        return startable(conn, name)


def _page(request: Request, task: SendTask, form: Form, *, status: int = 200) -> Response:
    words = language_of(request)
    start, problem = None, None
    try:
        with reading() as conn:
            start = _start(conn, task)
    except (InvalidInput, NotFound, TemplateError) as wrong:
        problem = worded(words, wrong)
    return render(
        request,
        "tasks/send_now.html",
        status=status,
        task=task,
        form=form,
        start=start,
        problem=problem,
        facts=task_facts(words, task),
        again=SEND_AGAIN if starts_again(task) else None,
    )


def _start(conn: Connection, task: SendTask) -> Start:
    """The review of a start. Raises what `check_content` raises."""
    now, root = database_now(conn), settings.templates_root()
    check_content(conn, task, root)
    group = recipients.find_group(conn, task.group)
    suppressed = recipients.suppressed_count(conn, group.id, sender_domain=task.sender_domain)
    added = [PendingMail(task=task.name, count=group.recipient_count - suppressed, due_at=now)]
    return Start(
        recipients=group.recipient_count,
        suppressed=suppressed,
        leaving=leaving_days(conn, task.name, task.sender_domain, added, now=now),
        message=first_message(conn, task, root),
    )
