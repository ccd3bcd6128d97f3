"""Send a single message again."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.single_messages import resend as use_case
from ses_ops.console.access import changes_console
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.messages.page import id_of
from ses_ops.console.page import render
from ses_ops.errors import Conflict

router = APIRouter()

_DONE = N_("The message is sent again as this new one.")
_WAITS = N_("The message is sent again as this new one as soon as the API runs; no copy of it does now.")


@router.post("/messages/{message_id}/resend", dependencies=[Depends(changes_console)])
def resend(request: Request, message_id: str, user: GetUserDep, form: PostedDep) -> Response:
    """Send it again as a new message, after a question."""
    words = language_of(request)
    wanted = id_of(message_id)
    if not form.checked("confirmed"):
        return render(request, "messages/resend.html", id=wanted)
    try:
        made, _ = change(user, use_case.resend, wanted)
    except Conflict as problem:
        return see_other(request, f"/messages/{wanted}", Flash(kind="problem", text=worded(words, problem)))
    text = words.gettext(_DONE if made.copies else _WAITS)
    return see_other(request, f"/messages/{made.id}", Flash(kind="done" if made.copies else "problem", text=text))
