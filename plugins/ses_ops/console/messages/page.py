"""The page of one single message: what it is, whom it went to, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.single_messages import find
from ses_ops.console import feedback_labels
from ses_ops.console.access import may_change_console, reads_shared
from ses_ops.console.database import reading
from ses_ops.console.forms import see_other
from ses_ops.console.messages import labels
from ses_ops.console.page import render
from ses_ops.errors import NotFound
from ses_ops.storage.events import timeline
from ses_ops.storage.single_messages import finding

if TYPE_CHECKING:
    from uuid import UUID

router = APIRouter()

#: Largest numbers that the columns of a place in the ledger can hold.
_MOST = (2**63 - 1, 2**31 - 1)
#: Recipients of a message that are all shown open; of more each is opened by a click.
OPEN = 3


def id_of(text: str) -> UUID:
    """The id of a message in an address. Raises NotFound."""
    found = find.message_id(text)
    if found is None:
        raise NotFound("message", text)
    return found


def _place(text: str) -> tuple[int, int] | None:
    occurrence, _, seq = text.partition(".")
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in (occurrence, seq)):
        return None
    found = int(occurrence), int(seq)
    return found if found[0] <= _MOST[0] and found[1] <= _MOST[1] else None


def known(text: str) -> UUID:
    """The id of a message that is there. Raises NotFound."""
    wanted = id_of(text)
    with reading() as conn:
        if not finding.rows_of(conn, [wanted]):
            raise NotFound("message", text)
    return wanted


@router.get("/messages/{message_id}", dependencies=[Depends(reads_shared)])
def message(request: Request, message_id: str, user: GetUserDep) -> Response:
    """The page. An event's source is for persons who may change the console: it can name other people.

    Lists of mail know a message by its place in the ledger, `12.345`: that leads to its page.
    """
    if place := _place(message_id):
        with reading() as conn:
            known = finding.ids_at(conn, [place])
        if place not in known:
            raise NotFound("message", message_id)
        return see_other(request, f"/messages/{known[place]}")
    with_raw = may_change_console(user)
    wanted = id_of(message_id)
    with reading() as conn:
        found = find.find(conn, wanted, with_raw=with_raw)
        if found is None:
            raise NotFound("message", message_id)
        repeated = finding.repeated_by(conn, wanted)
        kept = finding.content(conn, wanted) is not None
    return render(
        request,
        "messages/page.html",
        message=found,
        repeated=repeated,
        kept=kept,
        open=len(found.recipients) <= OPEN,
        most_events=timeline.MOST_EVENTS,
        with_raw=with_raw,
        status_label=labels.STATUS,
        status_badges=labels.BADGES,
        kinds=labels.KIND,
        sources=labels.SOURCE,
        event_badge=feedback_labels.event_badge,
        feed_name=feedback_labels.feed_name,
        reasons=feedback_labels.REASONS,
    )
