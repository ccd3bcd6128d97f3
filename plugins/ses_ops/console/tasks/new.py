"""Pages that create a send task: the form, the review, the task."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.application import task_definitions
from ses_ops.application.task_content import first_message
from ses_ops.console.access import Right, changes_console, may
from ses_ops.console.choices import Choices, choices, empty_form
from ses_ops.console.database import reading
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import language_of
from ses_ops.console.mail_frame import mail_frame
from ses_ops.console.task_names import name_of_clone, proposed_name
from ses_ops.console.tasks.form import form_of
from ses_ops.console.tasks.form_pages import checked, form_page, review_page, task_page, write_or_note
from ses_ops.console.tasks.roles import check_roles, only_nameable, role_choices, with_own_roles
from ses_ops.console.tasks.test_of_form import first_values, send_test
from ses_ops.domain.send_task import SendTask, parse_send_task
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.send_tasks import Applied

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

router = APIRouter()


@router.get("/new-task", dependencies=[Depends(changes_console)])
def new_task(request: Request, user: GetUserDep, clone: str = "", template: str = "", group: str = "") -> Response:
    """The form with defaults (and the template or group that a link names), or with the values of a cloned task."""
    given = choices(user)
    if clone:
        return form_page(request, user, _clone(user, clone, given), given=given, more={"clone_of": clone})
    form = with_own_roles(empty_form(given, template=template, group=group), role_choices(user))
    return form_page(request, user, form, given=given)


@router.post("/new-task/review", dependencies=[Depends(changes_console)])
def review_new_task(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """The review; or the form again, when it has an error or the person returns to it."""
    if form.text("step") == "edit":
        return form_page(request, user, form)
    given = role_choices(user)
    form = with_own_roles(_named(form, user), given)
    task = checked(form, language_of(request), _create)
    if task is None or not check_roles(form, language_of(request), task, given):
        return form_page(request, user, form, status=422)
    return review_page(request, form, task)


@router.post("/new-task", dependencies=[Depends(changes_console)])
def create_task(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Create the task, and its DAG at once."""
    words = language_of(request)
    given = role_choices(user)
    form = with_own_roles(_named(form, user), given)
    task = checked(form, words, _create)
    may_name = task is not None and check_roles(form, words, task, given)
    done = task and may_name and write_or_note(form, words, lambda: _created(user, task))
    if task is None or not done:
        return form_page(request, user, form, status=422)
    text = words.gettext("The send task %(name)s is created.", name=task.name)
    if untold := done[1]:
        text = f"{text} {words.gettext(untold)}"
    return see_other(request, task_page(request, user, task.name), Flash(kind="done", text=text))


@router.post("/new-task/test", dependencies=[Depends(changes_console)])
def test_new_task(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Make a test send of exactly this task, and show the review again."""
    words = language_of(request)
    task = checked(form, words, _create)
    if task is None:
        return form_page(request, user, form, status=422)
    with reading() as conn:
        values = first_values(conn, task, of_ledger=False)
    test = send_test(user, form, task, words, values)
    return review_page(request, form, task, test=test, status=422 if test.problem else 200)


@router.get("/new-task/mail", dependencies=[Depends(changes_console)])
def mail_of_new_task(template: str, group: str, unsubscribe_url: str = "", unsubscribe: str = "none") -> Response:
    """The HTML of the first message of a task that is not stored, for a sandboxed frame."""
    facts = {"name": "x", "type": "triggered", "sender": "sender@example.com", "template": template, "group": group}
    link = {"unsubscribe": unsubscribe, **({"unsubscribe_url": unsubscribe_url} if unsubscribe_url else {})}
    with reading() as conn:
        found = first_message(conn, parse_send_task({**facts, **link}, where=""), settings.templates_root())
    if found.preview.html is None:
        raise HTTPException(404)
    return mail_frame(found.preview.html)


def _clone(user: BaseUser, name: str, given: Choices) -> Form:
    if not may(user, Right.READ, name):
        raise HTTPException(403)
    with reading() as conn:
        task = send_tasks.find_row(conn, name).definition
    start = task.schedule.start_at
    roles = role_choices(user)
    form = form_of(task).with_values(name=name_of_clone(name, given.names), roles=only_nameable(task.roles, roles))
    form = with_own_roles(form, roles)
    return form.with_values(start_at="") if start is not None and start <= datetime.now(UTC) else form


def _named(form: Form, user: BaseUser) -> Form:
    """Fill an empty name with a proposal."""
    if form.text("name"):
        return form
    names = choices(user).names
    return form.with_values(name=proposed_name(form.text("template"), datetime.now(UTC).date(), names))


def _create(conn: Connection, task: SendTask) -> Applied:
    return task_definitions.write_new(conn, task, now=datetime.now(UTC), templates_root=settings.templates_root())


def _created(user: BaseUser, task: SendTask) -> tuple[task_definitions.AppliedDefinitions, str | None]:
    now, root = datetime.now(UTC), settings.templates_root()
    return change(user, task_definitions.create, task, now=now, templates_root=root)
