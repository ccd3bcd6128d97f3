"""`/v1/statistics`: sums of mail by day, sender domain, task and mailbox provider."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.rest.access import Plans, Reads, Served, domains_asked
from ses_ops.api.rest.answers import answer
from ses_ops.api.rest.documents import PROBLEMS, one_of
from ses_ops.api.rest.examples import STATISTICS
from ses_ops.api.rest.query import known_query
from ses_ops.application.mail_statistics import DAYS, MOST_DAYS, Statistics, statistics
from ses_ops.domain.mail_statistics import Dimension, MailKind, StatisticsRow, facts
from ses_ops.errors import InvalidInput
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans

router = APIRouter(
    prefix="/v1/statistics", tags=["Statistics"], dependencies=[Depends(known_query)], responses=PROBLEMS
)


@router.get("", summary="Sums of mail", responses=one_of(STATISTICS))
async def sums(
    request: Request,
    key: Reads,
    services: Served,
    plans: Plans,
    by: Annotated[
        str, Query(max_length=100, description=f"Names with commas: {', '.join(one.value for one in Dimension)}.")
    ] = "day",
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="Number of days.")] = DAYS,
    until: Annotated[date | None, Query(description="The last day; left out: today.")] = None,
    domain: Annotated[str | None, Query(max_length=255, description="Only mail of this sender domain.")] = None,
    kind: Annotated[MailKind | None, Query(description="Only bulk mail, or only single messages.")] = None,
    task: Annotated[str | None, Query(max_length=255, description="Only mail of this send task.")] = None,
) -> Response:
    """Numbers of messages by the day on which they were sent, in the time zone of their sender domain's plan.

    A bounce, an open or a complaint counts on the day of its message, so late ones change old days.
    """
    dimensions = _dimensions(by)
    domains = domains_asked(key, domain)
    if until is not None and not 1970 < until.year < 2200:
        raise InvalidInput("time_out_of_range", value=until.isoformat(), first=1971, last=2199, field="until")
    asked: dict[str, Any] = {"by": dimensions, "days": days, "last": until, "sender_domains": domains}
    asked["kind"] = kind
    found = await services.read(_statistics, plans, task, asked)
    return answer(request, statistics_object(found, dimensions))


def _statistics(conn: Connection, plans: QuotaPlans, task: str | None, asked: dict[str, Any]) -> Statistics:
    ids = None if task is None else [send_tasks.find_row(conn, task).id]
    return statistics(conn, plans, **asked, task_ids=ids)


def statistics_object(found: Statistics, by: list[Dimension]) -> dict[str, Any]:
    """Statistics as they are answered: `cut` says that there were more rows than are given."""
    return {
        "first": found.first,
        "last": found.last,
        "time_zones": found.zones,
        "total": facts(found.total, found.feeds),
        "rows": [{**_values(row, by), **facts(row.counts, found.feeds)} for row in found.rows],
        "cut": found.cut,
    }


def _values(row: StatisticsRow, by: list[Dimension]) -> dict[str, str]:
    return {one.value: getattr(row, one.value) for one in by}


def _dimensions(by: str) -> list[Dimension]:
    known = [one.value for one in Dimension]
    names = [name.strip() for name in by.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise InvalidInput("statistics_dimension_not_known", field="by", given=name, known=known)
    return [Dimension(name) for name in dict.fromkeys(names)]
