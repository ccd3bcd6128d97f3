"""Send a single message again, and cancel one whose time has not come."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.single_messages import resend as use_case
from ses_ops.application.single_messages.cancel import cancel_message
from ses_ops.console.access import changes_console
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.messages.page import known
from ses_ops.console.page import render
from ses_ops.errors import Conflict

router = APIRouter()

_QUESTION, _AGAIN = N_("Send this message again?"), N_("Send again")
_TWICE = N_("It is a new message to the same recipients, who get it a second time if the first came.")
_CANCEL, _CANCEL_IT = N_("Cancel this message?"), N_("Cancel the message")
_NEVER = N_("It is never sent. Its entry stays in the list.")
_DONE = N_("The message is sent again as this new one.")
_WAITS = N_("The message is sent again as this new one as soon as the API runs; no copy of it does now.")


@router.post("/messages/{message_id}/resend", dependencies=[Depends(changes_console)])
def resend(request: Request, message_id: str, user: GetUserDep, form: PostedDep) -> Response:
    """Send it again as a new message, after a question."""
    words = language_of(request)
    wanted = known(message_id)
    if not form.checked("confirmed"):
        return render(
            request, "messages/confirm.html", id=wanted, question=_QUESTION, consequence=_TWICE, action=_AGAIN
        )
    try:
        made, _ = change(user, use_case.resend, wanted)
    except Conflict as problem:
        return see_other(request, f"/messages/{wanted}", Flash(kind="problem", text=worded(words, problem)))
    text = words.gettext(_DONE if made.copies else _WAITS)
    return see_other(request, f"/messages/{made.id}", Flash(kind="done" if made.copies else "problem", text=text))


@router.post("/messages/{message_id}/cancel", dependencies=[Depends(changes_console)])
def cancel(request: Request, message_id: str, user: GetUserDep, form: PostedDep) -> Response:
    """Never send it, after a question."""
    words = language_of(request)
    wanted = known(message_id)
    if not form.checked("confirmed"):
        page = "messages/confirm.html"
        return render(request, page, id=wanted, question=_CANCEL, consequence=_NEVER, action=_CANCEL_IT)
    try:
        change(user, cancel_message, wanted)
    except Conflict as problem:
        flash = Flash(kind="problem", text=worded(words, problem))
    else:
        flash = Flash(kind="done", text=words.gettext(N_("The message is cancelled.")))
    return see_other(request, f"/messages/{wanted}", flash)
