"""`/v1/tasks/{name}/...`: what is decided about a send task: started, paused, resumed, cancelled, tried again."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.idempotency import HEADER, header_document, read_key
from ses_ops.api.rest.access import Manages, Plans, Served
from ses_ops.api.rest.answers import answer
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done
from ses_ops.api.rest.fields import optional_fields_of, text_in
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.task_examples import DECIDED
from ses_ops.api.rest.tasks import TaskName, task_object, task_of
from ses_ops.application import send_now, task_decisions
from ses_ops.application.changed import Changed, Counted
from ses_ops.application.quota_status import domain_quota
from ses_ops.application.task_decisions import UnknownDecision
from ses_ops.errors import InvalidInput, SesError
from ses_ops.storage.ledger.failures import NO_CODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.api.services import ApiServices
    from ses_ops.application.ports import Actor
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.storage.tasks.overview import TaskOverview

router = APIRouter(
    prefix="/v1/tasks",
    tags=["Send tasks"],
    dependencies=[Depends(known_query)],
    responses=PROBLEMS | CHANGE_PROBLEMS | done(DECIDED, "It is decided; this is the task now."),
)

#: Characters of the longest remark.
_LONGEST_REASON = 200


@router.post("/{name}/start", summary="Start a triggered or recurring task", openapi_extra=header_document())
async def start(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Mail the whole group of a triggered or recurring task once more, now.

    Airflow is asked for a run, which begins within seconds. With `Idempotency-Key` an equal request is the same start,
    for ever: its run has an id that is made of the key. Without one each request is a start of its own.
    """
    await optional_fields_of(request, ())
    own = read_key(request.headers.get(HEADER))
    mark = uuid4().hex if own is None else sha256(f"{key.id}\n{own}".encode()).hexdigest()[:40]
    run_id = f"api__{mark}"

    def begin(conn: Connection, actor: Actor) -> Changed:
        task_of(conn, key, name)
        task = send_now.startable(conn, name)
        return send_now.start_now(actor, services.scheduler(key, conn), task, run_id=run_id)

    return await _decided(request, services, key, name, begin, run_id=run_id)


@router.post("/{name}/pause", summary="Pause a task", openapi_extra=body({"reason": "wrong price"}))
async def pause(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Stop the mail of a task until it is resumed, also what is leaving now, within a moment."""
    given = await optional_fields_of(request, ("reason",))
    reason = text_in(given, "reason", most=_LONGEST_REASON)
    return await _decided(
        request, services, key, name, lambda conn, actor: task_decisions.pause(conn, actor, name, reason=reason)
    )


@router.post("/{name}/resume", summary="Resume a task")
async def resume(request: Request, key: Manages, services: Served, plans: Plans, name: TaskName) -> Response:
    """End a pause, clear an error, start what missed its start, and retry now what the mail server deferred.

    Mail that waits for quota keeps its time, unless today's quota has room for it by now: then `changed` is false.
    """
    await optional_fields_of(request, ())

    def again(conn: Connection, actor: Actor) -> Changed:
        return task_decisions.resume(conn, actor, name, quota_left=lambda task: _quota_left(conn, plans, task))

    return await _decided(request, services, key, name, again)


@router.post("/{name}/cancel", summary="Cancel a task")
async def cancel(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Stop a task for good. What has not left is cancelled: it is never sent."""
    await optional_fields_of(request, ())
    return await _decided(request, services, key, name, lambda conn, actor: task_decisions.cancel(conn, actor, name))


@router.post("/{name}/retry-failed", summary="Send failed messages again", openapi_extra=body({"codes": [452, 0]}))
async def retry_failed(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Send failed messages again: all, or those with these codes of the mail server; 0: those without a code.

    Who got the mail does not get it twice, and messages to suppressed addresses stay failed. `count` says how many.
    """
    codes = _codes((await optional_fields_of(request, ("codes",))).get("codes"))
    return await _decided(
        request, services, key, name, lambda conn, actor: task_decisions.retry_failed(conn, actor, name, codes=codes)
    )


@router.post("/{name}/resolve-unknown", summary="Decide about doubt", openapi_extra=body({"choice": "assume-sent"}))
async def resolve_unknown(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Decide about messages that a crash left in doubt: `resend` (a few may get the mail twice) or `assume-sent`."""
    given = (await optional_fields_of(request, ("choice",))).get("choice")
    known = [one.value for one in UnknownDecision]
    if given not in known:
        raise InvalidInput("option_not_known", field="choice", value=str(given)[:80], known=known)
    choice = UnknownDecision(given)
    return await _decided(
        request, services, key, name, lambda conn, actor: task_decisions.resolve_unknown(conn, actor, name, choice)
    )


async def _decided(
    request: Request,
    services: ApiServices,
    key: ApiKey,
    name: str,
    decide: Callable[[Connection, Actor], Changed],
    *,
    run_id: str | None = None,
) -> Response:
    """Decide about a task that the key may see; the task as it is then."""

    def visible(conn: Connection, actor: Actor) -> Changed:
        task_of(conn, key, name)
        return decide(conn, actor)

    changed = await services.change(key, visible)
    value: dict[str, Any] = {
        "changed": changed.changed,
        "count": changed.count if isinstance(changed, Counted) else None,
        "run_id": run_id,
        "task": task_object(await services.read(task_of, key, name)),
    }
    return answer(request, value, tagged=False)


def _codes(given: Any) -> set[int] | None:
    if given is None:
        return None
    usable = isinstance(given, list) and 1 <= len(given) <= 100
    if not usable or not all(type(one) is int and (one == 0 or 100 <= one <= 999) for one in given):
        raise InvalidInput("list_not_usable", most=100, field="codes")
    return {NO_CODE if one == 0 else one for one in given}


def _quota_left(conn: Connection, plans: QuotaPlans, task: TaskOverview) -> bool:
    """Whether the quota day of its domain has room for this task now; False when nobody can say."""
    try:
        return domain_quota(conn, plans, task.sender_domain).room_for(task.name) > 0
    except SesError:
        return False
