"""The landing page: tasks by what a person needs to know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import labels
from ses_ops.console.access import enters_console, may_see_shared, reads_shared, visible
from ses_ops.console.charts.column_chart import Chart, Column, day_label, draw
from ses_ops.console.database import Snapshot, reading
from ses_ops.console.forms import see_other
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.overview.first_steps import PREVIEWED, first_steps, remember_preview
from ses_ops.console.overview.sent_days import DAYS, DaySent, by_day
from ses_ops.console.page import fragment, render
from ses_ops.console.poll_interval import pace
from ses_ops.console.quota_snapshot import DOMAINS, Domains
from ses_ops.console.task_sections import sections_of
from ses_ops.console.task_snapshots import TASKS
from ses_ops.console.visible_tasks import tasks_seen
from ses_ops.domain.reputation_decision import Decision
from ses_ops.storage.audience import recipients
from ses_ops.storage.callbacks.endpoints import Troubled, troubled
from ses_ops.storage.connection import database_now
from ses_ops.storage.ledger import activity
from ses_ops.storage.ledger.activity import RecentFailures
from ses_ops.storage.reputation import decisions

router = APIRouter()

#: Age up to which failures are shown.
FAILURES_SHOWN_FOR = timedelta(days=7)
_DAY = N_("%(day)s: %(sent)s sent, %(failed)s failed")

#: Snapshot of the page, read at most once a second for all requests.
FAILURES: Snapshot[list[RecentFailures]] = Snapshot(
    lambda conn: activity.recent_failures(conn, since=database_now(conn) - FAILURES_SHOWN_FOR)
)


#: Time for which a decision that lowered or blocked a domain is announced; its page keeps it.
ANNOUNCED_FOR = timedelta(days=1)
#: Most announcements on the page.
ANNOUNCED = 5
ALARMS: Snapshot[list[Decision]] = Snapshot(
    lambda conn: decisions.alarming(conn, since=database_now(conn) - ANNOUNCED_FOR)
)
#: Endpoints of callbacks that have stopped, or fail for an hour.
TROUBLED: Snapshot[list[Troubled]] = Snapshot(troubled)


@router.get("/", dependencies=[Depends(enters_console)])
def overview(request: Request, user: GetUserDep) -> Response:
    """The page."""
    tasks = tasks_seen(user, fresh=True)
    domains, may_look = DOMAINS.get(fresh=True), may_see_shared(user)
    shown = sections_of(tasks, failures=FAILURES.get(fresh=True), domains=domains, may_look=may_look)
    steps = None
    with reading() as conn:
        if may_look and not shown.any_task:
            groups = bool(recipients.list_groups(conn))
            tested = activity.ever_sent_a_test(conn)
            steps = first_steps(group=groups, previewed=tested or PREVIEWED in request.cookies)
    return render(
        request,
        "overview/page.html",
        sections=shown,
        **_announced(fresh=True, may_look=may_look),
        status_labels=labels.STATUS,
        steps=steps,
        **_days(language_of(request), user, domains),
    )


@router.get("/live/overview", dependencies=[Depends(enters_console)])
def overview_live(request: Request, user: GetUserDep) -> Response:
    """The polled part of the page: everything above the chart."""
    seen, may_look = tasks_seen(user), may_see_shared(user)
    return fragment(
        request,
        "overview/now.html",
        every=pace(seen, now=datetime.now(UTC)),
        sections=sections_of(seen, failures=FAILURES.get(), domains=DOMAINS.get(), may_look=may_look),
        **_announced(may_look=may_look),
        status_labels=labels.STATUS,
    )


@router.get("/live/overview-days", dependencies=[Depends(enters_console)])
def overview_days_live(request: Request, user: GetUserDep) -> Response:
    """The polled chart, once a minute."""
    return fragment(request, "overview/days.html", every=60, **_days(language_of(request), user, DOMAINS.get()))


@router.get("/first-steps/preview", dependencies=[Depends(reads_shared)])
def first_preview(request: Request) -> Response:
    """Redirect to the templates, the second of the first steps, which a cookie of this browser marks as done."""
    answer = see_other(request, "/templates")
    remember_preview(request, answer)
    return answer


def _announced(*, may_look: bool, fresh: bool = False) -> dict[str, Any]:
    """The newest decisions that lowered or blocked a sender domain, one a domain, and endpoints that fail."""
    found = sorted(ALARMS.get(fresh=fresh), key=lambda one: one.decided_at, reverse=True) if may_look else []
    endpoints = TROUBLED.get(fresh=fresh) if may_look else []
    return {"announced": found[:ANNOUNCED], "announced_more": len(found[ANNOUNCED:]), "endpoints": endpoints}


def _days(words: Language, user: BaseUser, domains: Domains) -> dict[str, Any]:
    with reading() as conn:
        # Mail of a deleted task still counts, for those who may see its DAG's name.
        names = {task.name for task in TASKS.get()} | set(activity.deleted_tasks(conn))
        sent = activity.sent_lately(
            conn,
            since=domains.read_at - timedelta(days=DAYS + 1),
            hidden=names - visible(user, names),
            tests=may_see_shared(user),
        )
    zones = {quota.domain: quota.plan.time_zone for quota in domains.quotas if quota.plan}
    days = by_day(sent, zones=zones, now=domains.read_at)
    return {"days": days, "days_chart": _chart(words, days), "days_total": sum(day.sent for day in days)}


def _chart(words: Language, days: list[DaySent]) -> Chart:
    columns = [
        Column(
            label=words.gettext("today") if day.today else day_label(words, day.day),
            title=words.gettext(
                _DAY, day=day_label(words, day.day), sent=words.number(day.sent), failed=words.number(day.failed)
            ),
            front=day.sent,
            top=day.failed,
            marked=day.today,
        )
        for day in days
    ]
    return draw(words, columns)
