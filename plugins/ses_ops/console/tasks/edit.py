"""Pages that edit a send task: the form, the review, the change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.application import task_definitions
from ses_ops.application.task_changes import check_changeable
from ses_ops.application.task_content import first_message_left
from ses_ops.console.access import Right, changes_task, may, may_change_console
from ses_ops.console.actor import actor_of
from ses_ops.console.database import reading
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import WHOLE, Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.mail_frame import mail_frame
from ses_ops.console.tasks.edit_review import EditReview, edit_review
from ses_ops.console.tasks.form import form_of, read_task
from ses_ops.console.tasks.form_pages import checked, form_page, review_page, task_page, tried, write_or_note
from ses_ops.console.tasks.roles import check_roles, role_choices
from ses_ops.console.tasks.test_of_form import first_values, send_test
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.send_task import SendTask
from ses_ops.domain.unsubscribe_language import stored_unsubscribe
from ses_ops.errors import StartNotAllowed
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language

router = APIRouter()


#: Sentences in place of a field that this person cannot change.
_BEGUN = N_("The task has begun; this can change no more.")
_NO_RIGHT = N_("Who changes this must have the right to trigger the task's DAG, because mail leaves by it.")


@dataclass(frozen=True, kw_only=True)
class Current:
    """The stored task and its limits."""

    task: SendTask
    #: Whether the ledger has all mail that the task will ever send.
    audience_is_read: bool
    #: Reasons for which the starts, and the group, cannot be changed: texts to translate.
    fixed_when: str | None
    fixed_who: str | None
    may_start: bool

    @property
    def more(self) -> dict[str, Any]:
        """The values of the form's page."""
        return {
            "editing": self.task.name,
            "seen": task_definitions.fingerprint(self.task),
            "fixed": {"when": self.fixed_when, "who": self.fixed_who},
        }


@router.get("/tasks/{name}/edit", dependencies=[Depends(changes_task)])
def edit_task(request: Request, name: str, user: GetUserDep) -> Response:
    """The form filled with the stored task. 409 when the task can change no more."""
    current = _changeable(user, name)
    return form_page(request, user, form_of(current.task), more=current.more)


@router.post("/tasks/{name}/edit/review", dependencies=[Depends(changes_task)])
def review_edit(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """The review of the changed task; or the form with its errors."""
    current = _changeable(user, name)
    if form.text("step") == "edit":
        return form_page(request, user, form, more={**current.more, "seen": form.text("seen")})
    return _with_refusal(request, user, form, current, lambda: _review(request, user, form, current))


@router.post("/tasks/{name}/edit/test", dependencies=[Depends(changes_task)])
def test_edit(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Make a test send of the changed task, which needs the right to send, and show the review again."""
    if not may_change_console(user):
        raise HTTPException(403)
    current = _changeable(user, name)
    return _with_refusal(request, user, form, current, lambda: _review(request, user, form, current, test=True))


def _review(request: Request, user: BaseUser, form: Form, current: Current, *, test: bool = False) -> Response:
    words, of_ledger = language_of(request), current.audience_is_read

    def look(conn: Connection, task: SendTask) -> EditReview:
        _try(conn, task, form, user)
        return edit_review(conn, words, current.task, task)

    task = checked(form, words, lambda *_: None, name=current.task.name, with_group=not of_ledger)
    if task is None or not _may_name(form, user, task, current, words):
        return _again(request, user, form, current)
    seen = write_or_note(form, words, lambda: tried(lambda conn: look(conn, task)))
    if seen is None:
        return _again(request, user, form, current)
    if not test:
        return review_page(request, form, task, edit=seen)
    with reading() as conn:
        values = first_values(conn, task, of_ledger=of_ledger)
    sent = send_test(user, form, task, words, values)
    return review_page(request, form, task, edit=seen, test=sent, status=422 if sent.problem else 200)


@router.get("/tasks/{name}/edit/mail", dependencies=[Depends(changes_task)])
def mail_of_edit(name: str, template: str, unsubscribe_url: str = "", unsubscribe: str = "none") -> Response:
    """The HTML of the first message that has not left, as a changed task makes it, for a sandboxed frame."""
    with reading() as conn:
        row = send_tasks.find_row(conn, name)
        task = replace(
            row.definition,
            template=template,
            unsubscribe_url=unsubscribe_url or None,
            unsubscribe=stored_unsubscribe(unsubscribe),
            subject="x",
        )
        found = first_message_left(conn, row.id, task, settings.templates_root())
    if found is None or found.preview.html is None:
        raise HTTPException(404)
    return mail_frame(found.preview.html)


@router.post("/tasks/{name}/edit", dependencies=[Depends(changes_task)])
def change_task(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Change the task, and have Airflow read it again."""
    current = _changeable(user, name)
    return _with_refusal(request, user, form, current, lambda: _changed(request, user, form, current))


def _changed(request: Request, user: BaseUser, form: Form, current: Current) -> Response:
    words, name = language_of(request), current.task.name
    if current.may_start:
        with_group = not current.audience_is_read
        task = checked(form, words, lambda conn, task: _try(conn, task, form, user), name=name, with_group=with_group)
    else:
        task = read_task(form, words, name=name)  # a refusal for a missing right is an entry of the audit log
    if task is None or not _may_name(form, user, task, current, words):
        return _again(request, user, form, current)
    done = write_or_note(form, words, lambda: _written(user, task, form))
    if done is None:
        return _again(request, user, form, current)
    written, untold = done
    if not written.changed:
        return _back(request, user, name, words.gettext("Nothing was changed in %(name)s.", name=name))
    text = words.gettext("The send task %(name)s is changed.", name=name)
    if untold:
        text = f"{text} {words.gettext(untold)}"
    return _back(request, user, name, text)


def _may_name(form: Form, user: BaseUser, task: SendTask, current: Current, words: Language) -> bool:
    """Whether this person may give the task its new roles."""
    return check_roles(form, words, task, role_choices(user), before=current.task.roles)


def _back(request: Request, user: BaseUser, name: str, text: str) -> Response:
    return see_other(request, task_page(request, user, name), Flash(kind="done", text=text))


def _changeable(user: BaseUser, name: str) -> Current:
    """Raises NotFound, and Conflict for a task that can change no more."""
    may_start = may(user, Right.START, name)
    with reading() as conn:
        row = send_tasks.find_row(conn, name)
        mail = check_changeable(conn, row)
        read = task_definitions.audience_is_read(conn, row)
        task = row.definition
    begun = mail.begun and task.type in (TaskType.IMMEDIATE, TaskType.SCHEDULED)
    return Current(
        task=task,
        audience_is_read=read,
        fixed_when=_BEGUN if begun else None if may_start else _NO_RIGHT,
        fixed_who=_BEGUN if read else None,
        may_start=may_start,
    )


def _again(request: Request, user: BaseUser, form: Form, current: Current, *, status: int = 422) -> Response:
    """The form with its errors. After the error "changed meanwhile" the person can send it again all the same."""
    seen = current.more["seen"] if form.error(WHOLE) else form.text("seen")
    return form_page(request, user, form, status=status, more={**current.more, "seen": seen})


def _with_refusal(
    request: Request, user: BaseUser, form: Form, current: Current, answer: Callable[[], Response]
) -> Response:
    """The answer; or the form with 403 when the change would let mail leave that this person may not start."""
    try:
        return answer()
    except StartNotAllowed as refused:
        form.problem(WHOLE, worded(language_of(request), refused))
        return _again(request, user, form, current, status=403)


def _try(conn: Connection, task: SendTask, form: Form, user: BaseUser) -> task_definitions.Applied:
    now, root = datetime.now(UTC), settings.templates_root()
    return task_definitions.write_change(
        conn, actor_of(user), task, seen=form.text("seen"), now=now, templates_root=root
    )


def _written(user: BaseUser, task: SendTask, form: Form) -> tuple[task_definitions.AppliedDefinitions, str | None]:
    how: dict[str, Any] = {"now": datetime.now(UTC), "templates_root": settings.templates_root()}
    return change(user, task_definitions.change, task, seen=form.text("seen"), **how)
