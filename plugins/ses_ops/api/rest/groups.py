"""`/v1/groups`: recipient groups. They belong to the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.rest.access import Manages, Reads, Served, domains_of
from ses_ops.api.rest.answers import answer, require_absent, require_match
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done, listed, one_of
from ses_ops.api.rest.fields import fields_of, text_in
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, cursor_of, cut, page, position_of
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.task_examples import GROUP, GROUP_SHOWN
from ses_ops.application import groups
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.changed import Changed
    from ses_ops.application.ports import Actor
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.storage.audience.recipients import RecipientGroup

router = APIRouter(prefix="/v1/groups", tags=["Groups"], dependencies=[Depends(known_query)], responses=PROBLEMS)

GroupName = Annotated[str, Path(max_length=100, description="The name of a group.", examples=["customers"])]
_LIST = "groups"
#: Characters of the longest description.
_LONGEST_DESCRIPTION = 1_000


@router.get("", summary="List recipient groups", responses=listed(GROUP))
async def list_all(
    request: Request, key: Reads, services: Served, limit: Limit = ITEMS, cursor: Cursor = None
) -> Response:
    """The recipient groups, by name."""
    del key
    after = "" if cursor is None else position_of(_LIST, cursor, str)[0]
    found = sorted(await services.read(recipients.list_groups), key=lambda one: one.name)
    shown, following = cut([one for one in found if one.name > after], limit, lambda one: cursor_of(_LIST, one.name))
    return answer(request, page([group_object(one) for one in shown], following))


@router.get("/{name}", summary="A recipient group", responses=one_of(GROUP_SHOWN))
async def show(request: Request, key: Reads, services: Served, name: GroupName) -> Response:
    """A group, the number of its recipients who get no mail at all now, and the tasks of the key that mail it."""
    return answer(request, await services.read(_shown, key, name))


@router.put(
    "/{name}",
    summary="Create or describe a group",
    responses=CHANGE_PROBLEMS | one_of(GROUP_SHOWN) | done(GROUP_SHOWN, "It was created.", status=201),
    openapi_extra=body({"description": "All who bought something"}),
)
async def write(request: Request, key: Manages, services: Served, name: GroupName) -> Response:
    """Make a group without recipients, or change the description of one that there is."""
    given = await fields_of(request, ("description",), most=64 << 10)
    description = text_in(given, "description", most=_LONGEST_DESCRIPTION) or ""
    created: list[bool] = []
    await services.change(key, _write, request, key, name, description, created)
    value = await services.read(_shown, key, name)
    return answer(request, value, status=201 if created[-1] else 200, headers={"Location": f"/v1/groups/{name}"})


@router.delete(
    "/{name}",
    summary="Delete a group",
    status_code=204,
    responses=CHANGE_PROBLEMS | {204: {"description": "It and its recipients are deleted."}},
)
async def delete(request: Request, key: Manages, services: Served, name: GroupName) -> Response:
    """Delete a group and its recipients. 409 while a task that is neither finished nor cancelled uses it."""
    await services.change(key, _delete, request, key, name)
    return Response(status_code=204)


def group_object(one: RecipientGroup) -> dict[str, Any]:
    """A group as it is answered."""
    return {name: getattr(one, name) for name in GROUP}


def _shown(conn: Connection, key: ApiKey, name: str) -> dict[str, Any]:
    found, own = recipients.find_group(conn, name), domains_of(key)
    tasks = recipients.tasks_of_group(conn, found.id)
    return {
        **group_object(found),
        "suppressed_count": recipients.suppressed_count(conn, found.id),
        "tasks": [one.name for one in tasks if own is None or one.sender_domain in own],
    }


def _write(
    conn: Connection, actor: Actor, request: Request, key: ApiKey, name: str, description: str, created: list[bool]
) -> Changed:
    value = _shown(conn, key, name) if recipients.group_if_any(conn, name) else None
    require_match(request, value)
    require_absent(request, value)
    created.append(value is None)
    act = groups.create if value is None else groups.describe
    return act(conn, actor, name, description=description)


def _delete(conn: Connection, actor: Actor, request: Request, key: ApiKey, name: str) -> Changed:
    require_match(request, _shown(conn, key, name))
    return groups.delete(conn, actor, name)
