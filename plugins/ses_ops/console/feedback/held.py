"""The decisions about suppressions that the storm guard holds back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import held_suppressions
from ses_ops.console.access import changes_console
from ses_ops.console.database import database_is_ready
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import language_of
from ses_ops.console.page import render
from ses_ops.domain.clock import read_moment, zone
from ses_ops.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from ses_ops.console.language import Language

router = APIRouter()

_PAGE = "/feedback"


@router.post("/feedback/held/approve", dependencies=[Depends(changes_console), Depends(database_is_ready)])
def approve(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Suppress the held addresses of a mailbox provider, after a question."""
    words, provider = language_of(request), form.text("provider")
    if not form.checked("confirmed"):
        question = words.gettext("Suppress the held addresses of %(provider)s?", provider=provider)
        consequence = words.gettext("They get no mail any more. It can be undone on the suppression list.")
        return _ask(request, form, question, consequence, words.gettext("Suppress"))
    try:
        done, _ = change(user, held_suppressions.approve, provider, until=_until(form))
    except Conflict as problem:
        return see_other(request, _PAGE, Flash(kind="problem", text=worded(words, problem)))
    return see_other(request, _PAGE, Flash(kind="done", text=_suppressed(words, done.count)))


@router.post("/feedback/held/discard", dependencies=[Depends(changes_console), Depends(database_is_ready)])
def discard(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Let the held addresses of a mailbox provider get mail, after a question."""
    words, provider = language_of(request), form.text("provider")
    if not form.checked("confirmed"):
        question = words.gettext("Go on mailing the held addresses of %(provider)s?", provider=provider)
        consequence = words.gettext("They stay off the suppression list. The bounces stay at their messages.")
        return _ask(request, form, question, consequence, words.gettext("Discard"))
    try:
        done, _ = change(user, held_suppressions.discard, provider, until=_until(form))
    except Conflict as problem:
        return see_other(request, _PAGE, Flash(kind="problem", text=worded(words, problem)))
    text = words.ngettext("%(num)s address goes on getting mail.", "%(num)s addresses go on getting mail.", done.count)
    return see_other(request, _PAGE, Flash(kind="done", text=text))


def _suppressed(words: Language, count: int) -> str:
    return words.ngettext("%(num)s address gets no mail.", "%(num)s addresses get no mail.", count)


def _until(form: Form) -> datetime:
    """The moment of the page on which the person decided: what was held after it waits on."""
    try:
        return read_moment(form.text("until"), zone("UTC"), where="until") or datetime.now(UTC)
    except InvalidInput:
        return datetime.now(UTC)


def _ask(request: Request, form: Form, question: str, consequence: str, action: str) -> Response:
    """The question as a page, for browsers without script; with script, ses.js has asked before."""
    return render(
        request,
        "feedback/confirm.html",
        question=question,
        consequence=consequence,
        action=action,
        provider=form.text("provider"),
        until=form.text("until"),
    )
