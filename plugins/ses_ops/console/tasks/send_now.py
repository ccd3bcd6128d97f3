"""Send now: a triggered or recurring task started by hand, with the trigger's form and a look at what it would do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.application.task_content import FirstMessage, check_content, first_message
from ses_ops.console import audit, test_send_runs
from ses_ops.console.access import starts_task
from ses_ops.console.change_made import note_change
from ses_ops.console.database import reading
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.sentences import said
from ses_ops.console.tasks.facts import task_facts
from ses_ops.console.tasks.forecast import LeavingDays, leaving_days
from ses_ops.console.tasks.form_pages import task_page
from ses_ops.domain.forecast import Waiting
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import Conflict, InvalidInput, NotFound, TemplateError
from ses_ops.orchestration import control
from ses_ops.orchestration.operators.run_context import SEND_AGAIN
from ses_ops.storage.audience import recipients
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask

router = APIRouter()

#: The id of the run is made with the page, so that a form that is sent twice starts one run.
_RUN_ID = re.compile(r"console__[0-9T-]{19}_[0-9a-f]{6}")
_TICK = N_("Tick this: the task has a schedule, and a start by hand is one more.")
_NOT_READ = N_("Airflow has not read the DAG of %(name)s yet. Try again in a minute.")


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a start now would do."""

    recipients: int
    suppressed: int
    leaving: LeavingDays
    message: FirstMessage

    @property
    def count(self) -> int:
        """Recipients who get the mail, as things are now."""
        return self.recipients - self.suppressed


@router.get("/tasks/{name}/send-now", dependencies=[Depends(starts_task)])
def send_now(request: Request, name: str) -> Response:
    """The form, which has what the DAG's trigger form has, and the look ahead. 409 for a task that cannot start."""
    return _page(request, _task(name), Form.of(run=test_send_runs.new_run_id()))


@router.post("/tasks/{name}/send-now", dependencies=[Depends(starts_task)])
def start_now(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Start the run; the same form again starts no other."""
    words, task = language_of(request), _task(name)
    again = task.type is not TaskType.TRIGGERED
    if again and not form.checked(SEND_AGAIN):
        form.problem(SEND_AGAIN, words.gettext(_TICK))
        return _page(request, task, form, status=422)
    given = form.text("run")
    run_id = given if _RUN_ID.fullmatch(given) else test_send_runs.new_run_id()
    with audit.recorded(user, "send_now", task=name, run=run_id) as facts:
        try:
            started = control.trigger_run(name, run_id, {SEND_AGAIN: True} if again else {})
        except NotFound as problem:
            facts["refused"] = str(problem)
            form.problem("", words.gettext(_NOT_READ, name=name))
            return _page(request, task, form, status=409)
        note_change()
    done = (
        N_("%(name)s starts. Its mail leaves as the quota allows.") if started else N_("%(name)s was started already.")
    )
    return see_other(request, task_page(request, user, name), Flash(kind="done", text=words.gettext(done, name=name)))


def _task(name: str) -> SendTask:
    """Raises NotFound, and Conflict for a task that cannot start by hand now."""
    with reading() as conn:
        row = send_tasks.find_row(conn, name)
    if row["cancelled_at"] is not None:
        raise Conflict(f"send task {name!r} is cancelled; apply it under another name to send it after all")
    if row["type"] not in (TaskType.TRIGGERED, TaskType.RECURRING):
        raise Conflict(f"send task {name!r} has one start, which it makes by itself; clone it to send it once more")
    if row["paused_at"] is not None:
        raise Conflict(f"send task {name!r} is paused; resume it first")
    return send_tasks.task_of(row)


def _page(request: Request, task: SendTask, form: Form, *, status: int = 200) -> Response:
    words = language_of(request)
    start, problem = None, None
    try:
        with reading() as conn:
            start = _start(conn, task)
    except (InvalidInput, NotFound, TemplateError) as wrong:
        problem = said(words, str(wrong))
    return render(
        request,
        "tasks/send_now.html",
        status=status,
        task=task,
        form=form,
        start=start,
        problem=problem,
        facts=task_facts(words, task),
        again=SEND_AGAIN if task.type is not TaskType.TRIGGERED else None,
    )


def _start(conn: Connection, task: SendTask) -> Start:
    """Raises what `check_content` raises."""
    now, root = sender_domains.database_now(conn), settings.templates_root()
    check_content(conn, task, root)
    group = recipients.find_group(conn, task.group)
    suppressed = recipients.suppressed_count(conn, group.id)
    added = [Waiting(task=task.name, count=group.recipient_count - suppressed, due_at=now)]
    return Start(
        recipients=group.recipient_count,
        suppressed=suppressed,
        leaving=leaving_days(conn, task.name, task.sender_domain, added, now=now),
        message=first_message(conn, task, root),
    )
