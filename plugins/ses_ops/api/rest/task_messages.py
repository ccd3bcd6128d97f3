"""`/v1/tasks/{name}/...`: the starts of a send task, its messages, and when the rest goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.rest.access import Plans, Reads, Served
from ses_ops.api.rest.answers import answer
from ses_ops.api.rest.documents import PROBLEMS, listed, one_of, problem
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, cursor_of, cut, page, position_of
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.task_examples import START, TASK_MESSAGE
from ses_ops.api.rest.tasks import TaskName, counts_object, task_of
from ses_ops.application.forecasts import forecast_of_task
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.message_state import MessageStatus
from ses_ops.errors import NotFound
from ses_ops.storage.events import task_feedback
from ses_ops.storage.ledger import progress
from ses_ops.storage.ledger.messages import MessagePosition, MessageSearch, message_page, whole_or_part
from ses_ops.storage.ledger.progress import LedgerScope

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.forecast import ForecastDay
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.storage.ledger.messages import ListedMessage
    from ses_ops.storage.ledger.progress import OccurrenceProgress

router = APIRouter(prefix="/v1/tasks", tags=["Send tasks"], dependencies=[Depends(known_query)], responses=PROBLEMS)

_NO_PLAN: dict[int | str, dict[str, Any]] = {422: problem(422)}
_STARTS, _MESSAGES = "starts", "task messages"
_DAY = {
    "day": 12,
    "starts_at": "2026-11-30T15:00:00Z",
    "ends_at": "2026-12-01T15:00:00Z",
    "quota": 3_000,
    "room": 1_800,
    "other_tasks_count": 200,
    "count": 90,
}
_FORECAST = {"days": [_DAY], "without_a_day": 0, "may_be_earlier": False}


@router.get("/{name}/starts", summary="The starts of a task", responses=listed(START))
async def starts(
    request: Request, key: Reads, services: Served, name: TaskName, limit: Limit = ITEMS, cursor: Cursor = None
) -> Response:
    """The starts of a task, the newest first: a recurring or triggered one has many, each with its own counts."""
    before = None if cursor is None else position_of(_STARTS, cursor, int)[0]

    def read(conn: Connection) -> list[OccurrenceProgress]:
        scope = LedgerScope(task_id=task_of(conn, key, name).id)
        return progress.occurrences(conn, scope, limit=limit + 1, before=before)

    shown, following = cut(await services.read(read), limit, lambda one: cursor_of(_STARTS, one.id))
    return answer(request, page([_start(one) for one in shown], following))


@router.get("/{name}/messages", summary="The messages of a task", responses=listed(TASK_MESSAGE))
async def messages(
    request: Request,
    key: Reads,
    services: Served,
    name: TaskName,
    status: Annotated[MessageStatus | None, Query(description="Only messages with this status.")] = None,
    feedback: Annotated[Feedback | None, Query(description="Only messages of which this came back.")] = None,
    address: Annotated[
        str | None,
        Query(min_length=1, max_length=320, description="Only to this address, or to those with it in them."),
    ] = None,
    start: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Only those of the start of this number.")
    ] = None,
    limit: Limit = ITEMS,
    cursor: Cursor = None,
) -> Response:
    """What happened to each message, in the order of sending. A page of a search may be short, and not the last."""
    whole, part = whole_or_part((address or "").strip())
    asked: dict[str, Any] = {
        "status": status and status.value,
        "feedback": feedback,
        "address_key": whole,
        "part": part,
    }
    if cursor is not None:
        asked["after"] = MessagePosition(*position_of(_MESSAGES, cursor, int, int))
    return answer(request, await services.read(_messages, key, name, start, limit, asked))


@router.get("/{name}/forecast", summary="When the rest goes out", responses=_NO_PLAN | one_of(_FORECAST))
async def show_forecast(request: Request, key: Reads, services: Served, plans: Plans, name: TaskName) -> Response:
    """On which quota day each part of the mail that waits will leave, behind what was cached before it."""
    return answer(request, await services.read(_forecast, plans, key, name))


def _forecast(conn: Connection, plans: QuotaPlans, key: ApiKey, name: str) -> dict[str, Any]:
    task = task_of(conn, key, name)
    made = forecast_of_task(conn, task, plans[task.sender_domain])
    return {
        "days": [_day(name, one) for one in made.days if one.count(name)],
        "without_a_day": sum(count for other, count in made.remaining if other == name),
        "may_be_earlier": made.may_be_earlier,
    }


def _day(name: str, one: ForecastDay) -> dict[str, Any]:
    day = one.day
    return {
        "day": day.number,
        "starts_at": day.starts_at,
        "ends_at": day.ends_at,
        "quota": day.allotment,
        "room": one.room,
        "other_tasks_count": one.count() - one.count(name),
        "count": one.count(name),
    }


def _start(one: OccurrenceProgress) -> dict[str, Any]:
    return {
        "number": one.number,
        "run_id": one.run_id,
        "slot": one.logical_at,
        "created_at": one.created_at,
        "finished_at": one.finished_at,
        "goes_on_at": one.due_at,
        "held_reason": one.held_reason,
        "counts": counts_object(one),
    }


def _messages(
    conn: Connection, key: ApiKey, name: str, start: int | None, limit: int, asked: dict[str, Any]
) -> dict[str, Any]:
    task_id = task_of(conn, key, name).id
    if start is not None:
        asked["occurrence_id"] = progress.occurrence_by_number(conn, task_id, start)
        if asked["occurrence_id"] is None:
            raise NotFound("start of this send task", str(start))
    found = message_page(conn, MessageSearch(task_id=task_id, **asked), size=limit)
    outcomes = task_feedback.outcomes(conn, [(row.occurrence_id, row.seq) for row in found.rows])
    came_back = {place: one.feedback for place, one in outcomes.items()}
    items = [_message(row, came_back.get((row.occurrence_id, row.seq), [])) for row in found.rows]
    return page(items, None if found.next is None else cursor_of(_MESSAGES, *found.next))


def _message(row: ListedMessage, feedback: Any) -> dict[str, Any]:
    return {
        "start": row.start,
        "occurrence": row.occurrence_id,
        "seq": row.seq,
        "address": row.address,
        "status": row.status,
        "tries": row.tries,
        "smtp_code": row.smtp_code,
        "words": row.smtp_text,
        "changed_at": row.changed_at,
        "next_try_at": row.next_try_at,
        "feedback": list(feedback),
    }
