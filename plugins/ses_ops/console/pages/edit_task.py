"""Editing a send task that can still change: the same form and the same look ahead as for a new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.console import audit
from ses_ops.console.access import edits_task
from ses_ops.console.airflow_side import READ_LATER, tell
from ses_ops.console.database import changing, reading
from ses_ops.console.flash import Flash
from ses_ops.console.forms import WHOLE, Form, PostedDep, see_other
from ses_ops.console.language import language_of
from ses_ops.console.task_form import form_of
from ses_ops.console.task_pages import checked, form_page, review_page, task_page, write_or_note
from ses_ops.domain.send_task import SendTask
from ses_ops.operators import airflow_control
from ses_ops.sending import definitions
from ses_ops.storage import send_tasks
from ses_ops.storage.connection import transaction
from ses_ops.storage.overview import TaskOverview, list_tasks
from ses_ops.storage.send_tasks import Applied

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class Current:
    """A task as it is stored now."""

    overview: TaskOverview
    task: SendTask

    @property
    def more(self) -> dict[str, Any]:
        """For the form's page."""
        return {"editing": self.task.name, "seen": definitions.fingerprint(self.task)}


@router.get("/tasks/{name}/edit", dependencies=[Depends(edits_task)])
def edit_task(request: Request, name: str, user: GetUserDep) -> Response:
    """The form with the task as it is. 409 when it can change no more."""
    current = _changeable(name)
    return form_page(request, user, form_of(current.task), more=current.more)


@router.post("/tasks/{name}/edit/review", dependencies=[Depends(edits_task)])
def review_edit(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """What the changed task would do; or the form again."""
    current = _changeable(name)
    if form.text("step") == "edit":
        return form_page(request, user, form, more={**current.more, "seen": form.text("seen")})
    task = checked(form, language_of(request), lambda conn, task: _change(conn, task, form), name=name)
    if task is None:
        return _again(request, user, form, current)
    return review_page(request, form, task, editing=current.overview)


@router.post("/tasks/{name}/edit", dependencies=[Depends(edits_task)])
def change_task(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Change the task, and have Airflow read it again."""
    words = language_of(request)
    current = _changeable(name)
    task = checked(form, words, lambda conn, task: _change(conn, task, form), name=name)
    done = task and write_or_note(form, words, lambda: _change_audited(user, current.task, task, form))
    if task is None or done is None:
        return _again(request, user, form, current)
    if done is Applied.UNCHANGED:
        text, told = words.gettext("Nothing was changed in %(name)s.", name=name), True
    else:
        text = words.gettext("The send task %(name)s is changed.", name=name)
        told = tell(lambda: airflow_control.update_dags(created=[], changed=[name]))
    text = text if told else f"{text} {words.gettext(READ_LATER)}"
    return see_other(request, task_page(request, user, name), Flash(kind="done", text=text))


def _changeable(name: str) -> Current:
    """Raises NotFound, and Conflict for a task that can change no more."""
    with reading() as conn:
        row = send_tasks.find_row(conn, name)
        send_tasks.check_changeable(conn, row)
        return Current(overview=list_tasks(conn, name=name)[0], task=send_tasks.task_of(row))


def _again(request: Request, user: BaseUser, form: Form, current: Current) -> Response:
    """The form with its errors. Who was told that the task changed meanwhile may change it all the same."""
    seen = current.more["seen"] if form.error(WHOLE) else form.text("seen")
    return form_page(request, user, form, status=422, more={**current.more, "seen": seen})


def _change(conn: Connection, task: SendTask, form: Form) -> Applied:
    now, root = datetime.now(UTC), settings.templates_root()
    return definitions.change(conn, task, seen=form.text("seen"), now=now, templates_root=root)


def _change_audited(user: BaseUser, before: SendTask, task: SendTask, form: Form) -> Applied:
    changed = [name for name in SendTask.__dataclass_fields__ if getattr(before, name) != getattr(task, name)]
    with audit.recorded(user, "change_task", task=task.name, changed=changed), changing() as conn, transaction(conn):
        return _change(conn, task, form)
