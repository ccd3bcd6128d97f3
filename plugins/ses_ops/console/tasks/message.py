"""The page of one message: from the queue to the last event."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import feedback_labels, labels
from ses_ops.console.access import may_change_console, reads_task
from ses_ops.console.database import reading
from ses_ops.console.earlier_tasks import check_may_see
from ses_ops.console.page import render
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import NotFound
from ses_ops.storage.events import timeline

router = APIRouter()

#: Largest numbers that the columns of a message's key can hold.
_MOST = (2**63 - 1, 2**31 - 1)


@router.get("/tasks/{name}/messages/{occurrence_id}/{seq}", dependencies=[Depends(reads_task)])
def message(request: Request, name: str, occurrence_id: int, seq: int, user: GetUserDep) -> Response:
    """The page. An event's source is for persons who may change the console: it can name other people."""
    key = f"{occurrence_id}.{seq}"
    if not (0 < occurrence_id <= _MOST[0] and 0 < seq <= _MOST[1]):
        raise NotFound("message", key)
    with_raw = may_change_console(user)
    with reading() as conn:
        found = timeline.message(conn, occurrence_id, seq)
        if found.task != name or not TaskType(found.task_type).listed:
            raise NotFound("message", key)
        events = timeline.events(conn, occurrence_id, seq, with_raw=with_raw)
    check_may_see(user, name, found.task_id)
    return render(
        request,
        "tasks/message.html",
        message=found,
        events=events,
        most_events=timeline.MOST_EVENTS,
        with_raw=with_raw,
        status_label=labels.MESSAGE,
        event_badge=feedback_labels.event_badge,
        feed_name=feedback_labels.feed_name,
        reasons=feedback_labels.REASONS,
    )
