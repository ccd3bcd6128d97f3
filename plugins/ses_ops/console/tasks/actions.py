"""Actions on a send task: pause, resume, cancel, delete, retry, resolve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import task_decisions
from ses_ops.application.task_decisions import UnknownDecision
from ses_ops.console.access import deletes_task, edits_task, starts_task
from ses_ops.console.database import reading
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other, way_back
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.quota_snapshot import has_quota_now
from ses_ops.errors import Conflict
from ses_ops.storage.ledger.failures import NO_CODE

router = APIRouter()

#: Most characters of a reason.
LONGEST_REASON = 500
_ONLY_WAITS = N_("Nobody paused %(name)s: it waits for quota, and goes on by itself at %(when)s.")
_RESUMED_AND_WAITS = N_("%(name)s is resumed: it waits for quota, and goes on by itself at %(when)s.")
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
_CHOOSE = N_("Choose at least one line.")
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
    """Pause a task until it is resumed."""

    def act() -> Flash:
        done, _ = change(user, task_decisions.pause, name, reason=form.text("reason")[:LONGEST_REASON])
        text = N_("%(name)s is paused.") if done.changed else N_("%(name)s was paused already.")
        return _done(request, text, name)

    return _then_back(request, form, act)


@router.post("/tasks/{name}/resume", dependencies=[Depends(edits_task)])
def resume(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """End a pause, clear an error, and send pending mail as the quota allows, which needs the right to start too.

    Mail that waits for quota keeps its time, unless quota is left now; the answer says what that means for the task.
    """

    def act() -> Flash:
        done, untold = change(user, task_decisions.resume, name, quota_left=has_quota_now)
        if done.goes_on_at is None:
            return _done(request, N_("%(name)s goes on."), name, untold=untold)
        text = _RESUMED_AND_WAITS if done.changed else _ONLY_WAITS
        return _waiting(request, text, name, done.goes_on_at)

    return _then_back(request, form, act)


@router.post("/tasks/{name}/retry-failed", dependencies=[Depends(starts_task)])
def retry_failed(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Retry failed messages, after a question with the count of each code. Nobody gets the mail twice.

    The question's form sets `chosen`: the person has selected codes. Without it all codes are retried.
    """
    codes = {int(given) for given in form.all("code") if given.isascii() and given.isdecimal() and len(given) < 5}
    if not form.checked("confirmed"):
        return _ask_what_failed(request, name, form)
    if form.checked("chosen") and not codes:
        form.problem("code", language_of(request).gettext(_CHOOSE))
        return _ask_what_failed(request, name, form, status=422)

    def act() -> Flash:
        done, untold = change(user, task_decisions.retry_failed, name, codes=codes or None)
        text = language_of(request).ngettext(
            "%(num)s failed message of %(name)s is tried again.",
            "%(num)s failed messages of %(name)s are tried again.",
            done.count,
            name=name,
        )
        return _flash(request, text, untold)

    return _then_back(request, form, act)


def _ask_what_failed(request: Request, name: str, form: Form, *, status: int = 200) -> Response:
    """The question, with the counts of each code. At first every code is selected."""
    back = way_back(form, "/tasks")
    try:
        with reading() as conn:
            failed = task_decisions.what_failed(conn, name)
    except Conflict as problem:
        return see_other(request, back, Flash(kind="problem", text=worded(language_of(request), problem)))
    return render(
        request,
        "tasks/retry_failed.html",
        status=status,
        name=name,
        form=form,
        failed=failed,
        retried=sum(one.retried for one in failed),
        suppressed=sum(one.suppressed for one in failed),
        none=NO_CODE,
        back=back,
    )


@router.post("/tasks/{name}/resend-unknown", dependencies=[Depends(starts_task)])
def resend_unknown(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Retry messages that are unknown after a crash, after a question: a few recipients may get the mail twice."""

    def act() -> Flash:
        done, untold = change(user, task_decisions.resolve_unknown, name, UnknownDecision.RESEND)
        text = language_of(request).ngettext(
            "%(num)s message in doubt of %(name)s is sent again.",
            "%(num)s messages in doubt of %(name)s are sent again.",
            done.count,
            name=name,
        )
        return _flash(request, text, untold)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _RESEND)


@router.post("/tasks/{name}/assume-sent", dependencies=[Depends(edits_task)])
def assume_sent(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Count messages that are unknown after a crash as sent, after a question: a few recipients may miss the mail."""

    def act() -> Flash:
        done, untold = change(user, task_decisions.resolve_unknown, name, UnknownDecision.ASSUME_SENT)
        text = language_of(request).ngettext(
            "%(num)s message in doubt of %(name)s counts as sent now.",
            "%(num)s messages in doubt of %(name)s count as sent now.",
            done.count,
            name=name,
        )
        return _flash(request, text, untold)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _ASSUME_SENT)


@router.post("/tasks/{name}/cancel", dependencies=[Depends(edits_task)])
def cancel(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Cancel a task, after a question."""

    def act() -> Flash:
        done, _ = change(user, task_decisions.cancel, name)
        text = N_("%(name)s is cancelled.") if done.changed else N_("%(name)s was cancelled already.")
        return _done(request, text, name)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _CANCEL)


@router.post("/tasks/{name}/delete", dependencies=[Depends(deletes_task)])
def delete(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Delete a task, after a question."""

    def act() -> Flash:
        change(user, task_decisions.delete, name)
        return _done(request, N_("%(name)s is deleted."), name)

    return _then_back(request, form, act) if form.checked("confirmed") else _ask(request, name, form, _DELETE)


def _waiting(request: Request, text: str, name: str, until: datetime) -> Flash:
    words = language_of(request)
    return Flash(kind="done", text=words.gettext(text, name=name, when=words.utc(until)))


def _then_back(request: Request, form: Form, act: Callable[[], Flash]) -> Response:
    """Do the action and redirect to the page of the form, which shows the error of an action that is impossible now."""
    try:
        flash = act()
    except Conflict as problem:
        flash = Flash(kind="problem", text=worded(language_of(request), problem))
    return see_other(request, way_back(form, "/tasks"), flash)


def _done(request: Request, text: str, name: str, *, untold: str | None = None) -> Flash:
    return _flash(request, language_of(request).gettext(text, name=name), untold)


def _flash(request: Request, text: str, untold: str | None) -> Flash:
    return Flash(kind="done", text=f"{text} {language_of(request).gettext(untold)}" if untold else text)


def _ask(request: Request, name: str, form: Form, texts: tuple[str, str, str]) -> Response:
    """The question as a page, for browsers without script; with script, ses.js has asked before."""
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
