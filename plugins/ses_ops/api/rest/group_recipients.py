"""`/v1/groups/{name}/recipients`: who is in a group; adding to it, and replacing all of it."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.bodies import read_body
from ses_ops.api.rest.access import Manages, Reads, Served
from ses_ops.api.rest.answers import answer
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done, listed
from ses_ops.api.rest.fields import fields_of, list_in
from ses_ops.api.rest.groups import GroupName
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, cursor_of, cut, page, position_of
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.task_examples import IMPORTED, RECIPIENT, RECIPIENTS
from ses_ops.application import groups
from ses_ops.errors import InvalidInput
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.api.services import ApiServices
    from ses_ops.audience.csv.reader import Rejected
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.storage.audience.recipients import Recipient

router = APIRouter(prefix="/v1/groups", tags=["Groups"], dependencies=[Depends(known_query)], responses=PROBLEMS)

_LIST = "recipients"
#: Recipients of one request as JSON; a file of up to 8 MB has no such limit.
MOST = 50_000
#: Rejected rows that are answered with their reason.
MOST_REJECTED = 100
_CSV = "text/csv"
_LINE_END = re.compile("\r\n|[\r\n]")
_BODY = body(RECIPIENTS)
_BODY["requestBody"]["content"][_CSV] = {
    "schema": {"type": "string"},
    "example": "email,name\r\nann@example.com,Ann\r\n",
}
_WRITTEN = CHANGE_PROBLEMS | done(IMPORTED, "They are in the group. Rows that cannot be used are left out.")


@router.get("/{name}/recipients", summary="The recipients of a group", responses=listed(RECIPIENT))
async def list_all(
    request: Request,
    key: Reads,
    services: Served,
    name: GroupName,
    search: Annotated[
        str, Query(max_length=320, description="Only this address, or addresses with this text in them.")
    ] = "",
    limit: Limit = ITEMS,
    cursor: Cursor = None,
) -> Response:
    """The recipients in the order of sending, each with the reason why it gets no mail now, if there is one."""
    del key
    position = 0 if cursor is None else position_of(_LIST, cursor, int)[0]

    def read(conn: Connection) -> list[Recipient]:
        group = recipients.find_group(conn, name)
        return recipients.look(conn, group.id, line=position, limit=limit + 1, text=search.strip())

    shown, following = cut(await services.read(read), limit, lambda one: cursor_of(_LIST, one.line + 1))
    return answer(request, page([_recipient(one) for one in shown], following))


@router.post("/{name}/recipients", summary="Add recipients", responses=_WRITTEN, openapi_extra=_BODY)
async def add(request: Request, key: Manages, services: Served, name: GroupName) -> Response:
    """Add recipients to a group, which is made if there is none: JSON, or a CSV file with a header row.

    Who is in the group already stays as it is and is counted among the rejected. All are added in one transaction.
    """
    return await _import(request, services, key, name, append=True)


@router.put("/{name}/recipients", summary="Replace all recipients", responses=_WRITTEN, openapi_extra=_BODY)
async def replace(request: Request, key: Manages, services: Served, name: GroupName) -> Response:
    """Make these all recipients of a group, in one transaction; a body without a usable row changes nothing."""
    return await _import(request, services, key, name, append=False)


async def _import(request: Request, services: ApiServices, key: ApiKey, name: str, *, append: bool) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    options: dict[str, Any] = {"delimiter": None}
    positions: dict[int, int] = {}
    if kind == _CSV:
        content = await read_body(request)
    else:
        rows = list_in(await fields_of(request, ("recipients",)), "recipients", most=MOST)
        content, positions = _as_csv(rows)
        options = {"delimiter": ",", "address_column": "address", "encoding": "utf-8"}
    rejected: list[dict[str, Any]] = []

    def report(row: Rejected) -> None:
        if len(rejected) < MOST_REJECTED:
            rejected.append({"position": positions.get(row.line, row.line), "reason": row.reason})

    done = await services.change(
        key, groups.import_file, name, [content], where="body", append=append, report=report, **options
    )
    value = {
        "group": name,
        "created": done.created,
        "read": done.read,
        "added": done.added,
        "recipients": done.recipients,
        "rejected_count": done.rejected_count,
        "rejected": sorted(rejected, key=lambda one: int(one["position"])),
    }
    return answer(request, value, tagged=False)


def _recipient(one: Recipient) -> dict[str, Any]:
    return {"position": one.line, "address": one.address, "values": one.values, "suppressed": one.suppressed}


def _as_csv(rows: list[Any]) -> tuple[bytes, dict[int, int]]:
    """The rows as a file, for which the rules of imports hold; and the place of each row by its line in the file."""
    names: dict[str, None] = {}
    for place, row in enumerate(rows):
        names |= dict.fromkeys(_values(row, place))
    text, positions, line = io.StringIO(), {}, 2
    write = csv.writer(text, lineterminator="\n").writerow
    write(["address", *names])
    for place, row in enumerate(rows):
        values = _values(row, place)
        cells = [_cell(values.get(name), f"recipients[{place}].values.{name}"[:200]) for name in names]
        cells.insert(0, _cell(row.get("address"), f"recipients[{place}].address"))
        write(cells)
        positions[line] = place
        line += 1 + sum(len(_LINE_END.findall(one)) for one in cells)
    return text.getvalue().encode("utf-8"), positions


def _values(row: Any, place: int) -> Mapping[str, Any]:
    if not isinstance(row, dict) or not isinstance(row.get("values") or {}, dict):
        raise InvalidInput("body_not_an_object", field=f"recipients[{place}]")
    for name in row:
        if name not in ("address", "values"):
            raise InvalidInput("unknown_key", field=f"recipients[{place}].{name}"[:100], known=["address", "values"])
    values: dict[str, Any] = row.get("values") or {}
    return values


def _cell(value: Any, field: str) -> str:
    """A value of a variable as the text that it is in a file: also a number, and nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput("not_a_text", value=str(value)[:80], field=field)
    return str(value)
