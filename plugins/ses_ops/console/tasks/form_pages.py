"""The two pages of a send task's form: fields and review."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ses_ops.console import labels
from ses_ops.console.access import Right, may_by_now
from ses_ops.console.choices import Choices, choices, time_zones
from ses_ops.console.database import changing, reading
from ses_ops.console.language import language_of
from ses_ops.console.page import render
from ses_ops.console.tasks.facts import task_facts
from ses_ops.console.tasks.form import FORM_FIELDS, note, read_task
from ses_ops.console.tasks.review import MAIL_WARNINGS, VALUE_WARNINGS, review, starts_in
from ses_ops.console.tasks.roles import role_choices, who_sees_it
from ses_ops.console.tasks.test_of_form import RECIPIENTS, TestOfTask, own_address
from ses_ops.console.template_catalogue import loaded_template
from ses_ops.domain.template_variables import variable_name
from ses_ops.domain.unsubscribe_address import is_secure
from ses_ops.errors import Conflict, InvalidInput, NotFound, TemplateError
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from ses_ops.console.forms import Form
    from ses_ops.console.language import Language
    from ses_ops.console.tasks.edit_review import EditReview
    from ses_ops.domain.send_task import SendTask

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Errors that a person can correct in the form. Others, such as an unavailable database, are raised.
_MENDABLE = (Conflict, InvalidInput, NotFound, TemplateError)


class _OnlyTried(Exception):
    """Raised to roll the transaction back."""


def form_page(
    request: Request,
    user: BaseUser,
    form: Form,
    *,
    status: int = 200,
    given: Choices | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """The form. `more`: `editing`, the name of the task that is edited; `clone_of`; `seen`, its fingerprint; `fixed`,
    the fields that cannot be changed."""
    return render(
        request,
        "tasks/new.html",
        status=status,
        form=form,
        given=given or choices(user),
        zones=time_zones(),
        roles=role_choices(user),
        type_labels=labels.TYPE,
        languages=labels.LANGUAGE,
        **{"editing": None, "clone_of": None, "seen": "", "fixed": None, **(more or {})},
    )


def review_page(
    request: Request,
    form: Form,
    task: SendTask,
    *,
    edit: EditReview | None = None,
    test: TestOfTask | None = None,
    status: int = 200,
) -> Response:
    """The review; its page has the fields of the form as hidden ones. `edit`: the review of a stored task's change."""
    words = language_of(request)
    if edit is None:
        with reading() as conn:
            found = review(conn, task)
    else:
        found = edit.found
    return render(
        request,
        "tasks/review.html",
        status=status,
        found=found,
        edit=edit,
        facts=task_facts(words, task),
        who_sees_it=who_sees_it(words, task.roles),
        secure_link=is_secure(task.unsubscribe_url or ""),
        value_warnings=VALUE_WARNINGS,
        mail_warnings=MAIL_WARNINGS,
        task=task,
        starts=starts_in(words, found),
        fields=(*FORM_FIELDS, "seen"),
        editing=task.name if edit else None,
        form=form,
        test=test or TestOfTask(),
        test_to=form.raw(RECIPIENTS) or own_address(request.state.ses_user),
    )


def checked(
    form: Form,
    words: Language,
    write: Callable[[Connection, SendTask], object],
    *,
    name: str | None = None,
    with_group: bool = True,
) -> SendTask | None:
    """The definition in a form if a trial transaction can store it; else None, with the errors in the form.

    `with_group`: whether mail is still to be rendered with the group's columns.
    """
    task = read_task(form, words, name=name)
    if with_group:
        with reading() as conn:
            _compare_variables(conn, form, words)
    if task is None or form.errors:
        return None
    done = write_or_note(form, words, lambda: tried(lambda conn: (write(conn, task),)))
    return task if done else None


def tried(look: Callable[[Connection], T]) -> T:
    """The result of `look` inside a transaction that is rolled back."""
    seen: list[T] = []
    with suppress(_OnlyTried), changing() as conn, transaction(conn):
        seen.append(look(conn))
        raise _OnlyTried
    return seen[0]


def _compare_variables(conn: Connection, form: Form, words: Language) -> None:
    """Write the variables that the group lacks beside the template's field."""
    template, group = form.text("template"), form.text("group")
    if not (template and group) or form.error("subject") or form.error("unsubscribe_url"):
        return
    try:
        loaded = loaded_template(template)
        needed = loaded.variables_for(form.text("subject") or None, form.text("unsubscribe_url") or None)
        has = set(map(variable_name, recipients.find_group(conn, group).variables))
    except _MENDABLE as problem:
        note(form, words, problem)
        return
    if missing := sorted(needed - has):
        text = words.gettext("The mail needs %(names)s, which the recipient group does not have.")
        form.problem("template", text % {"names": ", ".join(missing)})


def write_or_note(form: Form, words: Language, write: Callable[[], T]) -> T | None:
    """The result of `write`; None when the change is not possible any more, with the reason in the form."""
    try:
        return write()
    except _MENDABLE as problem:
        note(form, words, problem)
        return None


def task_page(request: Request, user: BaseUser, name: str) -> str:
    """The address after a change: the task's page; the list when it has none or the person may not see it."""
    known = {getattr(route, "path", None) for route in request.app.routes}
    try:
        return f"/tasks/{name}" if "/tasks/{name}" in known and may_by_now(user, Right.READ, name) else "/tasks"
    except Exception:  # Airflow's database is unavailable, for example: the change is stored all the same
        log.exception("whether %r may be seen could not be asked", name)
        return "/tasks"
