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
from ses_ops.console.messages import labels
from ses_ops.console.page import render
from ses_ops.errors import NotFound
from ses_ops.storage.events import timeline
from ses_ops.storage.single_messages import finding

if TYPE_CHECKING:
    from uuid import UUID

router = APIRouter()

#: Recipients of a message that are all shown open; of more each is opened by a click.
OPEN = 3


def id_of(text: str) -> UUID:
    """The id of a message in an address. Raises NotFound."""
    found = find.message_id(text)
    if found is None:
        raise NotFound("message", text)
    return found


@router.get("/messages/{message_id}", dependencies=[Depends(reads_shared)])
def message(request: Request, message_id: str, user: GetUserDep) -> Response:
    """The page. An event's source is for persons who may change the console: it can name other people."""
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
