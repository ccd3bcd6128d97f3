"""The page of statistics: sums by day, send task, sender domain or mailbox provider."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.mail_statistics import Statistics, statistics
from ses_ops.application.quota_status import known_domains
from ses_ops.audience.csv.cells import safe_cell
from ses_ops.console.access import enters_console, may_see_shared, visible
from ses_ops.console.charts.column_chart import Chart, Column, day_label, draw
from ses_ops.console.csv_download import csv_headers
from ses_ops.console.database import reading
from ses_ops.console.earlier_tasks import hidden_tasks
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.page import render
from ses_ops.console.statistics.labels import DIMENSIONS, KINDS, rate_lines
from ses_ops.console.task_snapshots import TASKS
from ses_ops.domain.address import domain_key
from ses_ops.domain.mail_statistics import Dimension, MailKind, domain_of_trigger_mail, rates
from ses_ops.orchestration.connections import quota_plans
from ses_ops.storage.ledger import activity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection
    from starlette.datastructures import QueryParams

router = APIRouter()

#: Numbers of days that can be chosen.
DAYS = (7, 30, 90, 365)
#: Rows that are shown; the file has all.
SHOWN = 200
_COLUMN = N_("%(day)s: %(reached)s accepted and not returned, %(lost)s refused or returned")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person asked for, read from the address; what is not valid becomes the default."""

    by: Dimension
    days: int
    domain: str
    #: None: all mail.
    kind: MailKind | None

    @classmethod
    def read(cls, query: QueryParams) -> Asked:
        """Read the query of the address."""
        by, days, mail = query.get("by", ""), query.get("days", ""), query.get("mail", "")
        return cls(
            by=Dimension(by) if by in set(Dimension) else Dimension.DAY,
            days=int(days) if days in {str(one) for one in DAYS} else 30,
            domain=domain_key(query.get("domain", "").strip()[:253]),
            kind=MailKind(mail) if mail in set(MailKind) else None,
        )

    def query(self) -> str:
        """The address's query of the same."""
        return urlencode({"by": self.by.value, "days": self.days, "domain": self.domain, "mail": self.kind or ""})


@router.get("/statistics", dependencies=[Depends(enters_console)])
def page(request: Request, user: GetUserDep) -> Response:
    """The page."""
    asked = Asked.read(request.query_params)
    with reading() as conn:
        found = _ask(conn, user, asked, (asked.by,))
        by_day = found if asked.by is Dimension.DAY else _ask(conn, user, asked, (Dimension.DAY,))
        domains = known_domains(conn, quota_plans()) if may_see_shared(user) else []
        by_kind = found if asked.by is Dimension.KIND else _ask(conn, user, asked, (Dimension.KIND,))
    return render(
        request,
        "statistics/page.html",
        asked=asked,
        days_choices=DAYS,
        dimensions=DIMENSIONS,
        kinds=KINDS,
        triggered=sum(row.counts.accepted for row in by_kind.rows if row.kind == MailKind.TRIGGER),
        domain_of=domain_of_trigger_mail,
        domains=[one for one in domains if one],
        found=found,
        rows=found.rows[:SHOWN],
        more=len(found.rows) - SHOWN,
        total=found.total,
        lines=rate_lines(found.total, found.feeds),
        measured=_measured(found),
        chart=_chart(language_of(request), by_day),
        zones=sorted(set(found.zones.values())),
    )


@router.get("/statistics.csv", dependencies=[Depends(enters_console)])
def table(request: Request, user: GetUserDep) -> Response:
    """The rows of the page as CSV, with every count and rate."""
    asked = Asked.read(request.query_params)
    with reading() as conn:
        found = _ask(conn, user, asked, (asked.by,))
    file = f"statistics-{asked.by.value}-{datetime.now(UTC):%Y%m%d-%H%M}.csv"
    return Response(_csv(asked.by, found), headers=csv_headers(file))


def _ask(conn: Connection, user: BaseUser, asked: Asked, by: Sequence[Dimension]) -> Statistics:
    # Mail of a deleted task still counts, for those who may see its DAG's name. Read anew: what is not listed is shown.
    names = {task.name for task in TASKS.get(fresh=True)} | set(activity.deleted_tasks(conn))
    return statistics(
        conn,
        quota_plans(),
        by=by,
        days=asked.days,
        sender_domain=asked.domain or None,
        hidden=names - visible(user, names),
        hidden_ids=hidden_tasks(user),
        # Single messages belong to no DAG: they are for those who may see what all tasks share.
        kind=asked.kind if may_see_shared(user) else MailKind.BULK,
    )


def _chart(words: Language, found: Statistics) -> Chart:
    known = {row.day: row.counts for row in found.rows}
    columns = []
    for ordinal in range(found.first.toordinal(), found.last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        counts = known.get(day.isoformat())
        reached = counts.reached if counts else 0
        lost = counts.refused + counts.bounced if counts else 0
        title = words.gettext(
            _COLUMN, day=day_label(words, day), reached=words.number(reached), lost=words.number(lost)
        )
        columns.append(
            Column(label=day_label(words, day), title=title, front=reached, top=lost, marked=day == found.last)
        )
    return draw(words, columns)


def _measured(found: Statistics) -> dict[str, bool]:
    """Whether a zero of a column means that there was none."""
    return {one.numerator: one.measured for one in rates(found.total, found.feeds).values()}


def _csv(by: Dimension, found: Statistics) -> bytes:
    sums = ("requested", "refused", "bounced", "reached")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for place, row in enumerate(found.rows):
        of = rates(row.counts, found.feeds)
        if place == 0:
            writer.writerow([by.value, *asdict(row.counts), *sums, *of])
        shares = ["" if one.share is None else f"{one.share:.6f}" for one in of.values()]
        counted = [*asdict(row.counts).values(), *(getattr(row.counts, name) for name in sums)]
        writer.writerow([safe_cell(getattr(row, by.value)), *counted, *shares])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
