"""`/v1/tasks`: send tasks, which mail a group: listed, shown, written, deleted."""

from __future__ import annotations

from dataclasses import fields as fields_of_class
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.api.keys import check_domain
from ses_ops.api.problems import Refusal
from ses_ops.api.rest.access import Manages, Reads, Served, domains_asked, domains_of
from ses_ops.api.rest.answers import answer, require_absent, require_match
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done, listed, one_of
from ses_ops.api.rest.fields import fields_of
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, cursor_of, cut, page, position_of
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.task_examples import COUNTS, DEFINITION, NEW_TASK, TASK, WRITTEN
from ses_ops.application import task_decisions
from ses_ops.application.task_runs import write_task
from ses_ops.domain.send_task import FIELDS, parse_send_task
from ses_ops.domain.task_definition import definition_of, definition_texts
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.storage.ledger.progress import MessageCounts
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.application.task_definitions import AppliedDefinitions
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.tasks.overview import TaskOverview

router = APIRouter(prefix="/v1/tasks", tags=["Send tasks"], dependencies=[Depends(known_query)], responses=PROBLEMS)

TaskName = Annotated[str, Path(max_length=100, description="The name of a send task.", examples=["spring-sale"])]
_LIST = "tasks"
_COUNTS = tuple(field.name for field in fields_of_class(MessageCounts))
_SHOWN = tuple(name for name in TASK if name not in ("counts", "schedule", "time_zone", "next_starts"))
assert set(_COUNTS) == set(COUNTS)
_DEFINITION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": ["array", "null"], "items": {"type": "string"}}
        if name == "roles"
        else {"type": ["object", "string", "null"]}
        if name == "track"
        else {"type": ["string", "null"]}
        for name in FIELDS
    },
    "additionalProperties": False,
}


@router.get("", summary="List send tasks", responses=listed(TASK))
async def list_all(
    request: Request,
    key: Reads,
    services: Served,
    status: Annotated[TaskStatus | None, Query(description="Only tasks with this status.")] = None,
    domain: Annotated[str | None, Query(max_length=255, description="Only tasks of this sender domain.")] = None,
    limit: Limit = ITEMS,
    cursor: Cursor = None,
) -> Response:
    """The send tasks that exist, in the order in which they were made."""
    after = 0 if cursor is None else position_of(_LIST, cursor, int)[0]
    domains = domains_asked(key, domain)
    found = [
        one
        for one in await services.read(list_tasks)
        if one.id > after and status in (None, one.status) and (domains is None or one.sender_domain in domains)
    ]
    shown, following = cut(found, limit, lambda one: cursor_of(_LIST, one.id))
    return answer(request, page([task_object(one) for one in shown], following))


@router.get("/{name}", summary="A send task", responses=one_of(TASK))
async def show(request: Request, key: Reads, services: Served, name: TaskName) -> Response:
    """A send task: where its mail stands, and when it goes on. The counts add up to the requested messages, always."""
    return answer(request, task_object(await services.read(task_of, key, name)))


@router.get("/{name}/definition", summary="The definition of a send task", responses=one_of(DEFINITION))
async def show_definition(request: Request, key: Reads, services: Served, name: TaskName) -> Response:
    """What the task is, as a file of `ses task apply` has it. Its ETag is what `If-Match` of a change names."""
    return answer(request, await services.read(_definition, key, name))


@router.put(
    "/{name}/definition",
    summary="Create or change a send task",
    responses=CHANGE_PROBLEMS | one_of(WRITTEN) | done(WRITTEN, "It was created.", status=201),
    openapi_extra=body(NEW_TASK, _DEFINITION_SCHEMA),
)
async def write(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Make the body the definition of the task of this name. The same definition again changes nothing.

    An `immediate` task begins to send at once, a `triggered` one at its first start. What has been sent stays as it
    was; a change reaches all mail that has not left. Roles of Airflow are given by people only.
    """
    given = await fields_of(request, FIELDS, most=256 << 10)
    if given.get("name") not in (None, name):
        raise InvalidInput("not_a_task_name", name=str(given["name"])[:100], field="name")
    task = parse_send_task(definition_texts({**given, "name": name, "roles": given.get("roles") or None}), where="")
    check_domain(key, task.sender_domain, "sender")
    written = await services.change(key, _write, request, key, task)
    applied = written.applied[name]
    value = {"applied": applied.value, "definition": await services.read(_definition, key, name)}
    status = 201 if applied is send_tasks.Applied.CREATED else 200
    return answer(request, value, status=status, headers={"Location": f"/v1/tasks/{name}"}, tagged=False)


@router.delete(
    "/{name}",
    summary="Delete a send task",
    status_code=204,
    responses=CHANGE_PROBLEMS | {204: {"description": "It is deleted; its ledger stays."}},
)
async def delete(request: Request, key: Manages, services: Served, name: TaskName) -> Response:
    """Take a task and its DAG away. 409 while it has mail to send: cancel it first. `If-Match`: its definition's."""
    await services.change(key, _delete, request, key, name)
    return Response(status_code=204)


def task_of(conn: Connection, key: ApiKey, name: str) -> TaskOverview:
    """A task that the key may see. Raises NotFound, also for one of another sender domain."""
    found, own = next(iter(list_tasks(conn, name=name)), None), domains_of(key)
    if found is None or (own is not None and found.sender_domain not in own):
        raise NotFound("send task", name)
    return found


def task_object(one: TaskOverview) -> dict[str, Any]:
    """A task as it is answered."""
    return {
        **{name: getattr(one, name) for name in _SHOWN},
        "schedule": one.schedule.describe(),
        "time_zone": one.schedule.time_zone,
        "next_starts": one.next_starts(datetime.now(UTC)),
        "counts": counts_object(one),
    }


def counts_object(counts: MessageCounts) -> dict[str, int]:
    """The counts of messages by status."""
    return {name: getattr(counts, name) for name in _COUNTS}


def _definition(conn: Connection, key: ApiKey, name: str) -> dict[str, Any]:
    task_of(conn, key, name)
    return definition_of(send_tasks.find_row(conn, name).definition)


def _write(conn: Connection, actor: Actor, request: Request, key: ApiKey, task: SendTask) -> AppliedDefinitions:
    def check(current: SendTask | None) -> None:
        if current is not None:
            check_domain(key, current.sender_domain, "name")
        value = None if current is None else definition_of(current)
        require_match(request, value)
        require_absent(request, value)

    now, root = datetime.now(UTC), settings.templates_root()
    try:
        return write_task(conn, actor, task, now=now, where="", templates_root=root, check=check)
    except NotFound as problem:
        if problem.code != "template_not_found":
            raise
        raise Refusal(422, problem.code, **problem.facts, field="template") from problem


def _delete(conn: Connection, actor: Actor, request: Request, key: ApiKey, name: str) -> Any:
    require_match(request, _definition(conn, key, name))
    return task_decisions.delete(conn, actor, name)
