"""What a person decides about an endpoint: pause, resume, test, rotate, remove, replay."""

from __future__ import annotations

from datetime import datetime

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.console.access import writes_quota
from ses_ops.console.callbacks.pages import endpoint_page
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import language_of
from ses_ops.console.page import render
from ses_ops.domain.clock import read_moment, zone
from ses_ops.errors import Conflict, InvalidInput

router = APIRouter()


@router.post("/callbacks/{endpoint}/pause", dependencies=[Depends(writes_quota)])
def pause(request: Request, endpoint: str, user: GetUserDep) -> Response:
    """Post nothing more; events wait."""
    change(user, decisions.pause, endpoint)
    return _back(request, endpoint, language_of(request).gettext("%(name)s is paused; events wait.", name=endpoint))


@router.post("/callbacks/{endpoint}/resume", dependencies=[Depends(writes_quota)])
def resume(request: Request, endpoint: str, user: GetUserDep) -> Response:
    """Post again."""
    change(user, decisions.resume, endpoint)
    text = language_of(request).gettext("Events are posted to %(name)s again, slowly at first.", name=endpoint)
    return _back(request, endpoint, text)


@router.post("/callbacks/{endpoint}/test", dependencies=[Depends(writes_quota)])
def test(request: Request, endpoint: str, user: GetUserDep) -> Response:
    """Post a test event."""
    change(user, decisions.send_test, endpoint)
    text = language_of(request).gettext("A test event is posted within seconds; its answer stands below.")
    return _back(request, endpoint, text)


@router.post("/callbacks/{endpoint}/rotate", dependencies=[Depends(writes_quota)])
def rotate(request: Request, endpoint: str, user: GetUserDep, form: PostedDep) -> Response:
    """Sign with a new secret, after a question."""
    words = language_of(request)
    if not form.checked("confirmed"):
        question = words.gettext("Make a new secret for %(name)s?", name=endpoint)
        consequence = words.gettext(
            "Both secrets sign for 24 hours: enter the new one at the receiver within that time."
        )
        return _ask(request, endpoint, question, consequence, words.gettext("Make a new secret"))
    try:
        made, _ = change(user, decisions.rotate, endpoint)
    except Conflict as problem:
        return see_other(request, f"/callbacks/{endpoint}", Flash(kind="problem", text=worded(words, problem)))
    return render(request, "callbacks/secret.html", name=made.name, secret=made.secret, rotated=True)


@router.post("/callbacks/{endpoint}/remove", dependencies=[Depends(writes_quota)])
def remove(request: Request, endpoint: str, user: GetUserDep, form: PostedDep) -> Response:
    """Remove the endpoint, after a question."""
    words = language_of(request)
    if not form.checked("confirmed"):
        question = words.gettext("Remove the endpoint %(name)s?", name=endpoint)
        consequence = words.gettext("Nothing more is posted to it, and the events that wait for it are dropped.")
        return _ask(request, endpoint, question, consequence, words.gettext("Remove"))
    change(user, decisions.remove, endpoint)
    return see_other(
        request, "/callbacks", Flash(kind="done", text=words.gettext("%(name)s is removed.", name=endpoint))
    )


@router.post("/callbacks/{endpoint}/replay", dependencies=[Depends(writes_quota)])
def replay(request: Request, endpoint: str, user: GetUserDep, form: PostedDep) -> Response:
    """Post events again: one, or those of a time span."""
    words = language_of(request)
    try:
        done, _ = change(
            user,
            decisions.replay,
            endpoint,
            event_key=form.text("event") or None,
            since=_moment(form, "since"),
            until=_moment(form, "until"),
            not_delivered=form.checked("not_delivered"),
            also_never_posted=form.checked("never_posted"),
        )
    except InvalidInput as problem:
        form.problem_of(words, problem, fields={"event": "event", "since": "since", "until": "until"})
        return endpoint_page(request, user, endpoint, form=form, status=422)
    text = words.ngettext("%(num)s event is posted again.", "%(num)s events are posted again.", done.count)
    return _back(request, endpoint, text)


def _moment(form: Form, name: str) -> datetime | None:
    """A moment of a form, in UTC."""
    return read_moment(form.text(name), zone("UTC"), where=name) if form.text(name) else None


def _back(request: Request, endpoint: str, text: str) -> Response:
    return see_other(request, f"/callbacks/{endpoint}", Flash(kind="done", text=text))


def _ask(request: Request, endpoint: str, question: str, consequence: str, action: str) -> Response:
    """The question as a page, for browsers without script; with script, ses.js has asked before."""
    page = "callbacks/confirm.html"
    return render(request, page, name=endpoint, question=question, consequence=consequence, action=action)
