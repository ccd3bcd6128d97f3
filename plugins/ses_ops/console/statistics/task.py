"""Statistics of one send task: its rates, its links, its opens by hour, and another task beside it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.application.exports import export_messages
from ses_ops.application.mail_statistics import MOST_DAYS, hours_of_task, links_of_task, statistics
from ses_ops.audience.csv.cells import safe_cell
from ses_ops.console.access import Right, may, reads_task, visible
from ses_ops.console.actor import actor_of
from ses_ops.console.csv_download import csv_headers
from ses_ops.console.database import reading, streaming
from ses_ops.console.download import Download, check_exports
from ses_ops.console.earlier_tasks import check_may_see
from ses_ops.console.page import render
from ses_ops.console.statistics.labels import rate_lines
from ses_ops.console.task_snapshots import TASKS
from ses_ops.domain.mail_statistics import Engaged
from ses_ops.orchestration.connections import quota_plans
from ses_ops.storage.statistics.who import MessageOpens, who
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.mail_statistics import Statistics
    from ses_ops.storage.statistics.links import HourOfEngagement

router = APIRouter()

#: Days of opens by hour that are shown.
DAYS = 14
#: Shades of the hours: shares of the busiest hour.
SHADES = 5


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One hour."""

    hour: int
    opens: int
    clicks: int
    #: 0 for none, else 1 to SHADES.
    shade: int


@dataclass(frozen=True, kw_only=True)
class HeatDay:
    """The hours of a day in UTC."""

    day: datetime
    cells: tuple[HeatCell, ...]
    opens: int


@router.get("/tasks/{name}/statistics", dependencies=[Depends(reads_task)])
def page(request: Request, name: str, user: GetUserDep) -> Response:
    """The page."""
    wanted = request.query_params.get("with", "").strip()
    if wanted and not may(user, Right.READ, wanted):
        raise HTTPException(403)
    with reading() as conn:
        task = send_tasks.find_row(conn, name)
        check_may_see(user, name, task.id)
        own = _all_of(conn, task.id)
        other = _all_of(conn, send_tasks.find_row(conn, wanted).id) if wanted else None
        links = links_of_task(conn, task.id)
        hours = hours_of_task(conn, task.id, days=DAYS)
    names = {one.name for one in TASKS.get()} - {name}
    return render(
        request,
        "statistics/task.html",
        name=name,
        other_name=wanted,
        counts=own.total,
        other=other and other.total,
        lines=list(zip(*(rate_lines(one.total, one.feeds) for one in (own, other or own)), strict=True)),
        others=sorted(visible(user, names)),
        links=links,
        heat=heat(hours, now=datetime.now(UTC)),
        shades=SHADES,
    )


@router.get("/tasks/{name}/engaged.csv", dependencies=[Depends(reads_task)])
def export_engaged(request: Request, name: str, user: GetUserDep) -> Response:
    """Who opened or clicked, as CSV, streamed; `link` is the id of one link."""
    check_exports(user.get_name())
    query = request.query_params
    what = Engaged(query["what"]) if query.get("what") in set(Engaged) else Engaged.OPENED
    link = query.get("link", "")
    link_id = int(link) if link.isascii() and link.isdecimal() and len(link) < 19 else None

    def find() -> int:
        with reading() as conn:
            return send_tasks.find_row(conn, name).id

    task_id = export_messages(actor_of(user), name, find, what=what.value, link=link_id)
    file = f"{name}-{what.value}-{datetime.now(UTC):%Y%m%d-%H%M}.csv"
    return Download(_engaged(task_id, what, link_id), headers=csv_headers(file), person=user.get_name())


def _engaged(task_id: int, what: Engaged, link_id: int | None) -> Generator[bytes, None, None]:
    columns = [one.name for one in fields(MessageOpens)]
    yield b"\xef\xbb\xbf" + (",".join(columns) + "\r\n").encode()
    with streaming() as conn:
        for batch in who(conn, task_id, what, link_id=link_id):
            text = io.StringIO()
            rows = ([safe_cell(str(getattr(one, name))) for name in columns] for one in batch)
            csv.writer(text, lineterminator="\r\n").writerows(rows)
            yield text.getvalue().encode()


def heat(hours: Sequence[HourOfEngagement], *, now: datetime) -> list[HeatDay]:
    """The last days up to today, each with its 24 hours in UTC; [] when nothing was opened or clicked by a person."""
    known = {one.hour.astimezone(UTC): one for one in hours}
    most = max((one.opens_people for one in hours), default=0)
    if not most and not any(one.clicks_people for one in hours):
        return []
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for ago in reversed(range(DAYS)):
        day = today - timedelta(days=ago)
        cells = tuple(_cell(known.get(day + timedelta(hours=hour)), hour, most) for hour in range(24))
        found.append(HeatDay(day=day, cells=cells, opens=sum(cell.opens for cell in cells)))
    first = next((place for place, day in enumerate(found) if day.opens), 0)
    return found[first:]


def _cell(one: HourOfEngagement | None, hour: int, most: int) -> HeatCell:
    opens = one.opens_people if one else 0
    shade = -(-opens * SHADES // most) if most else 0
    return HeatCell(hour=hour, opens=opens, clicks=one.clicks_people if one else 0, shade=shade)


def _all_of(conn: Connection, task_id: int) -> Statistics:
    return statistics(conn, quota_plans(), by=(), days=MOST_DAYS, task_ids=[task_id])
