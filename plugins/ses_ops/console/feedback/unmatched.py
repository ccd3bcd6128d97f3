"""Pages of events that found no message: the source of each, and the button for who is done with it."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import unmatched_events
from ses_ops.application.report_mails import reread_mails
from ses_ops.console import feedback_labels
from ses_ops.console.access import changes_console
from ses_ops.console.actor import actor_of
from ses_ops.console.database import changing, reading
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import PostedDep, see_other, way_back
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.errors import NotFound
from ses_ops.storage.events import unmatched as storage

router = APIRouter()

#: Octets of a source that the page shows.
_MOST_SHOWN = 64_000
_LARGEST_ID = 2**63 - 1


@router.get("/feedback/unmatched/{id}", dependencies=[Depends(changes_console)])
def unmatched(request: Request, id: int) -> Response:
    """One event with its source, as text whatever is in it."""
    if not 0 < id <= _LARGEST_ID:
        raise NotFound("unmatched event", str(id))
    with reading() as conn:
        event, raw = storage.find(conn, id)
    return render(
        request,
        "feedback/unmatched.html",
        event=event,
        source=raw[:_MOST_SHOWN].decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
        cut=len(raw) > _MOST_SHOWN,
        feed_name=feedback_labels.feed_name,
        event_badge=feedback_labels.event_badge,
    )


@router.post("/feedback/unmatched/read-again", dependencies=[Depends(changes_console)])
def read_again(request: Request, user: GetUserDep) -> Response:
    """Read all unmatched mails again, after an update or a restored backup."""
    words = language_of(request)
    with changing() as conn:
        done = reread_mails(conn, actor_of(user))
    text = words.gettext(
        "Mails read again: %(read)s, understood now: %(understood)s.",
        read=words.number(done.read),
        understood=words.number(done.understood),
    )
    return see_other(request, "/feedback", Flash(kind="done", text=text))


@router.post("/feedback/unmatched/close", dependencies=[Depends(changes_console)])
def close(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Take the ticked events off the list."""
    given = [text for text in form.all("id") if text.isascii() and text.isdecimal() and len(text) < 19]
    words = language_of(request)
    back = way_back(form, "/feedback")
    if not given:
        return see_other(request, back, Flash(kind="problem", text=words.gettext(N_("Tick at least one event."))))
    done, _ = change(user, unmatched_events.close, [int(text) for text in given])
    text = words.ngettext("%(num)s event is marked as done.", "%(num)s events are marked as done.", done.count)
    return see_other(request, back, Flash(kind="done", text=text))
