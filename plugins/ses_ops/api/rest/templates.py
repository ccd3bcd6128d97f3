"""`/v1/templates`: the templates of the folder, and those that programs have made, with their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.bodies import read_json
from ses_ops.api.rest.access import Manages, Reads, Served
from ses_ops.api.rest.answers import answer, require_absent, require_match
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done, listed, one_of
from ses_ops.api.rest.examples import NEW_TEMPLATE, PREVIEW, TEMPLATE, TEMPLATE_LINE, TEMPLATE_VERSION
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.template_objects import (
    preview_of,
    read_texts,
    template_object,
    template_page,
    version_object,
)
from ses_ops.application import stored_templates
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

router = APIRouter(prefix="/v1/templates", tags=["Templates"], dependencies=[Depends(known_query)], responses=PROBLEMS)

Name = Annotated[str, Path(max_length=255, description="The name that messages and tasks have it by.")]
_TEXTS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": stored_templates.MAX_TITLE},
        "subject": {"type": "string", "maxLength": stored_templates.MAX_SUBJECT},
        "text": {"type": "string"},
        "html": {"type": "string"},
    },
    "additionalProperties": False,
}
_NEW_SCHEMA = {**_TEXTS_SCHEMA, "properties": {"name": {"type": "string"}, **_TEXTS_SCHEMA["properties"]}}
_VALUES_SCHEMA = {"type": "object", "properties": {"values": {"type": "object"}}, "additionalProperties": False}


@router.get("", summary="List templates", responses=listed(TEMPLATE_LINE))
async def list_templates(
    request: Request, _: Reads, services: Served, limit: Limit = ITEMS, cursor: Cursor = None
) -> Response:
    """The templates of the folder by name, then those that programs have made by number, without their texts."""
    return answer(request, await services.database.call(template_page, limit, cursor))


@router.post(
    "",
    summary="Make a template",
    status_code=201,
    responses=done(TEMPLATE, "It was made.", status=201) | CHANGE_PROBLEMS,
    openapi_extra=body(NEW_TEMPLATE, _NEW_SCHEMA),
)
async def make_template(request: Request, key: Manages, services: Served) -> Response:
    """Make a template of `text` or `html` or both. Without a `name` it gets one that is made of the `title`."""
    name, title, texts = read_texts(await read_json(request), named=True)
    made = await services.change(key, stored_templates.create, name=name, title=title, texts=texts)
    found = await services.database.call(template_object, made.template.name)
    return answer(request, found, status=201, headers={"Location": f"/v1/templates/{made.template.name}"})


@router.get("/{name}", summary="A template", responses=one_of(TEMPLATE))
async def show_template(
    request: Request,
    _: Reads,
    services: Served,
    name: Name,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Left out: the newest.")] = None,
) -> Response:
    """A template with its texts, its variables and, where it cannot be used, the reason."""
    return answer(request, await services.database.call(template_object, name, version))


@router.put(
    "/{name}",
    summary="Write a template",
    responses=done(TEMPLATE, "It is so from now on.") | done(TEMPLATE, "It was made.", status=201) | CHANGE_PROBLEMS,
    openapi_extra=body({one: NEW_TEMPLATE[one] for one in ("title", "subject", "text")}, _TEXTS_SCHEMA),
)
async def write_template(request: Request, key: Manages, services: Served, name: Name) -> Response:
    """Make a template of this name, or give it a new version, which all mail that is made from now on has.

    Equal texts make no version. `If-Match` replaces only the state that you have read, `If-None-Match: *` only makes.
    """
    _, title, texts = read_texts(await read_json(request))
    present = await services.database.call(_present, name)
    require_match(request, present)
    require_absent(request, present)
    if present is None:
        await services.change(key, stored_templates.create, name=name, title=title, texts=texts)
    else:
        seen = None if request.headers.get("if-match") is None else present["version"]
        await services.change(key, stored_templates.new_version, name, title=title, texts=texts, seen=seen)
    found = await services.database.call(template_object, name)
    if present is None:
        return answer(request, found, status=201, headers={"Location": f"/v1/templates/{name}"})
    return answer(request, found)


@router.delete(
    "/{name}",
    summary="Delete a template",
    status_code=204,
    responses={204: {"description": "It is deleted."}, **CHANGE_PROBLEMS},
)
async def delete_template(request: Request, key: Manages, services: Served, name: Name) -> Response:
    """Delete a template that programs have made; 409 while tasks that have not ended use it."""
    present = await services.database.call(_present, name)
    require_match(request, present)
    await services.change(key, stored_templates.delete, name)
    return Response(status_code=204)


@router.get("/{name}/versions", summary="Versions of a template", responses=listed(TEMPLATE_VERSION))
async def list_versions(request: Request, _: Reads, services: Served, name: Name) -> Response:
    """The versions of a template that programs have made, the newest first, all on one page."""
    found = await services.database.call(stored_templates.versions, name)
    return answer(request, {"data": [version_object(one) for one in found], "next_cursor": None})


@router.post(
    "/{name}/preview",
    summary="Preview a template",
    responses=done(PREVIEW, "The mail for these values."),
    openapi_extra=body({"values": {"number": "4711"}}, _VALUES_SCHEMA),
)
async def preview(request: Request, _: Reads, services: Served, name: Name) -> Response:
    """The subject, text and HTML that a recipient with these values would get. Nothing is sent or kept."""
    fields = await read_json(request)
    return answer(request, await services.database.call(preview_of, name, fields), tagged=False)


def _present(conn: Connection, name: str) -> dict[str, Any] | None:
    """The template as GET answers it; None: there is none."""
    try:
        return template_object(conn, name)
    except NotFound:
        return None
