"""Pause, resume, cancel, delete, retry, settle doubts: forms of the list and of a task's page, which lead back."""

from __future__ import annotations

from collections.abc import Callable

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.console import audit
from ses_ops.console.access import Right, deletes_task, edits_task, may, starts_task
from ses_ops.console.airflow_side import PICKED_UP_LATER, tell
from ses_ops.console.database import changing
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other, way_back
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.sentences import said
from ses_ops.errors import Conflict
from ses_ops.operators import airflow_control
from ses_ops.sending import decisions

router = APIRouter()

_STARTS = N_("Mail of this task waits and would be sent. Ask an administrator for the right to trigger its DAG.")
_CANCEL = (
    N_("Cancel the send task %(name)s?"),
    N_("Mail that is leaving now stops within a moment. What has not left is never sent; the ledger stays."),
    N_("Cancel the task"),
)
_DELETE = (
    N_("Delete the send task %(name)s?"),
    N_("The task and its DAG are taken away. The ledger of what was sent stays in the database."),
    N_("Delete the task"),
)
_RESEND = (
    N_("Send the messages in doubt of %(name)s again?"),
    N_("Who got the mail already may get it a second time."),
    N_("Send again"),
)
_ASSUME_SENT = (
    N_("Count the messages in doubt of %(name)s as sent?"),
    N_("Who did not get the mail will not get it."),
    N_("Count as sent"),
)


@router.post("/tasks/{name}/pause", dependencies=[Depends(edits_task)])
def pause(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Stop a task's mail until it is resumed."""

    def act() -> Flash:
        reason = form.text("reason")[:500]
        who = f"paused by {user.get_name()}"
        with audit.recorded(user, "pause_task", task=name, reason=reason), changing() as conn:
            changed = decisions.pause(conn, name, reason=f"{who}: {reason}" if reason else who)
        tell(lambda: airflow_control.pause_dag(name))
        text = N_("%(name)s is paused.") if changed else N_("%(name)s was paused already.")
        return _done(request, text, name)

    return _then_back(request, form, act)


@router.post("/tasks/{name}/resume", dependencies=[Depends(edits_task)])
def resume(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """End a pause, clear an error, and send what waits as the quota allows: that needs the right to start, too."""

    def act() -> Flash:
        with audit.recorded(user, "resume_task", task=name), changing() as conn:
            kind = decisions.resume(conn, name, allow=lambda _: _check_start(user, name))
        tell(lambda: airflow_control.unpause_dag(name))
        told = kind is None or tell(lambda: airflow_control.start_run(name, kind))
        return _done(request, N_("%(name)s goes on."), name, told=told)

    return _then_back(request, form, act)


@router.post("/tasks/{name}/retry-failed", dependencies=[Depends(starts_task)])
def retry_failed(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Send the failed messages again; who got the mail does not get it twice."""

    def act() -> Flash:
        with audit.recorded(user, "retry_failed", task=name) as facts, changing() as conn:
            count = facts["count"] = decisions.retry_failed(conn, name)
        told = not count or tell(lambda: airflow_control.start_run(name))
        words = language_of(request)
        text = words.ngettext(
            "%(num)s failed message of %(name)s is tried again.",
            "%(num)s failed messages of %(name)s are tried again.",
            count,
            name=name,
        )
        return Flash(kind="done", text=text if told else f"{text} {words.gettext(PICKED_UP_LATER)}")

    return _then_back(request, form, act)


@router.post("/tasks/{name}/resend-unknown", dependencies=[Depends(starts_task)])
def resend_unknown(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Send again what a crash left in doubt, after a question: a few may get the mail twice."""

    def act() -> Flash:
        count = _resolve(name, user, decisions.Doubt.RESEND)
        told = not count or tell(lambda: airflow_control.start_run(name))
        words = language_of(request)
        text = words.ngettext(
            "%(num)s message in doubt of %(name)s is sent again.",
            "%(num)s messages in doubt of %(name)s are sent again.",
            count,
            name=name,
        )
        return Flash(kind="done", text=text if told else f"{text} {words.gettext(PICKED_UP_LATER)}")

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _RESEND)


@router.post("/tasks/{name}/assume-sent", dependencies=[Depends(edits_task)])
def assume_sent(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Count as sent what a crash left in doubt, after a question: a few may miss the mail."""

    def act() -> Flash:
        count = _resolve(name, user, decisions.Doubt.ASSUME_SENT)
        words = language_of(request)
        text = words.ngettext(
            "%(num)s message in doubt of %(name)s counts as sent now.",
            "%(num)s messages in doubt of %(name)s count as sent now.",
            count,
            name=name,
        )
        return Flash(kind="done", text=text)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _ASSUME_SENT)


def _resolve(name: str, user: BaseUser, doubt: decisions.Doubt) -> int:
    with audit.recorded(user, "resolve_unknown", task=name, choice=doubt.value) as facts, changing() as conn:
        count = facts["count"] = decisions.resolve_unknown(conn, name, doubt)
    return count


@router.post("/tasks/{name}/cancel", dependencies=[Depends(edits_task)])
def cancel(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Stop a task for good, after a question."""

    def act() -> Flash:
        with audit.recorded(user, "cancel_task", task=name), changing() as conn:
            changed = decisions.cancel(conn, name)
        text = N_("%(name)s is cancelled.") if changed else N_("%(name)s was cancelled already.")
        return _done(request, text, name)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _CANCEL)


@router.post("/tasks/{name}/delete", dependencies=[Depends(deletes_task)])
def delete(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Take a task away, after a question."""

    def act() -> Flash:
        with audit.recorded(user, "delete_task", task=name), changing() as conn:
            decisions.delete(conn, name)
        tell(lambda: airflow_control.update_dags(created=[], changed=[name]))
        return _done(request, N_("%(name)s is deleted."), name)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _DELETE)


def _check_start(user: BaseUser, name: str) -> None:
    if not may(user, Right.START, name):
        raise HTTPException(403, _STARTS)


def _then_back(request: Request, form: Form, act: Callable[[], Flash]) -> Response:
    """Do it and go back. What cannot be done now is said on the page that the form came from."""
    try:
        flash = act()
    except Conflict as problem:
        flash = Flash(kind="problem", text=said(language_of(request), str(problem)))
    return see_other(request, way_back(form, "/tasks"), flash)


def _done(request: Request, text: str, name: str, *, told: bool = True) -> Flash:
    words = language_of(request)
    done = words.gettext(text, name=name)
    return Flash(kind="done", text=done if told else f"{done} {words.gettext(PICKED_UP_LATER)}")


def _ask(request: Request, name: str, form: Form, texts: tuple[str, str, str]) -> Response:
    """Without script, the question is a page; with it, ses.js has asked already."""
    question, consequence, action = texts
    words = language_of(request)
    return render(
        request,
        "confirm.html",
        question=words.gettext(question, name=name),
        consequence=words.gettext(consequence),
        action=words.gettext(action),
        back=way_back(form, "/tasks"),
    )
