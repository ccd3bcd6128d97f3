"""Pages of the sender domains: the list, and one domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.quota_status import DAYS_AHEAD, DomainQuota, domain_quota
from ses_ops.console import labels, spans
from ses_ops.console.access import may_write_quota, reads_shared
from ses_ops.console.charts.column_chart import Chart, Column, day_label, draw
from ses_ops.console.choices import time_zones
from ses_ops.console.database import reading
from ses_ops.console.domains.coming_days import Coming
from ses_ops.console.domains.line import DomainLine, line_of
from ses_ops.console.domains.plan_form import form_of
from ses_ops.console.domains.quota_changes import recent_changes
from ses_ops.console.domains.reputation import now_values, section_values
from ses_ops.console.domains.warmup_days import HISTORY, WarmupDay, warmup_days
from ses_ops.console.forms import Form
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.listing import Listing
from ses_ops.console.page import fragment, render
from ses_ops.console.poll_interval import STILL
from ses_ops.console.quota_errors import entry_text, example_text, wrong_with_variable
from ses_ops.console.quota_snapshot import DOMAINS, Domains, variable_rights
from ses_ops.console.visible_tasks import tasks_seen
from ses_ops.domain.address import parse_domain
from ses_ops.domain.bounce_domain import dns_records, proposed_bounce_domain
from ses_ops.domain.forecast import ForecastDay
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.quota_text import entry_mark
from ses_ops.domain.warmup import STANDARD_PLAN
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.orchestration import control
from ses_ops.storage.quota import quota_days, sender_domains

router = APIRouter()

#: Most days of a forecast, and most tasks, on a page; the page counts the rest.
FORECAST_SHOWN, TASKS_SHOWN = 14, 50
#: Columns of the table of pending mail.
STANDINGS = (MessageStatus.CACHED, MessageStatus.RETRYING, MessageStatus.QUEUED)
#: Sort keys of the list, the default first.
SORTS = ("name", "quota", "left", "backlog", "gone")
#: Templates below the tables, in their order: one a setting of the domain, with the values that `domain_page` passes.
SECTIONS = ("domains/bounces.html", "domains/tracking.html", "domains/plan.html")
#: Seconds between two polls of the reputation at the least: it is judged when a run settles, and every minute.
REPUTATION_EVERY = 5
_FAR = float("inf")
_KEYS: dict[str, Callable[[DomainLine], Any]] = {
    "name": lambda line: line.quota.domain,
    "quota": lambda line: line.quota.today.day.allotment if line.quota.today else -1,
    "left": lambda line: line.quota.today.left if line.quota.today else -1,
    "backlog": lambda line: line.quota.backlog,
    "gone": lambda line: line.gone_by.timestamp() if line.gone_by else _FAR,
}
_SENT = N_("%(when)s: %(sent)s of %(quota)s used")
_PLANNED = N_("%(when)s: %(quota)s may be sent")


@dataclass(frozen=True, kw_only=True)
class TaskBacklog:
    """The pending mail of one task, by status."""

    #: Task; None: all tasks together that the person may not see.
    task: str | None
    stopped: bool
    counts: Mapping[MessageStatus, int]


@router.get("/domains", dependencies=[Depends(reads_shared)])
def domains(request: Request, user: GetUserDep) -> Response:
    """The page."""
    seen = DOMAINS.get(fresh=True)
    return render(request, "domains/list.html", **_list(request, seen), **_variable(seen, user))


@router.get("/live/domains", dependencies=[Depends(reads_shared)])
def domains_live(request: Request) -> Response:
    """The polled part of the page: the list."""
    seen = DOMAINS.get()
    return fragment(request, "domains/list_rows.html", every=_every(*seen.quotas), **_list(request, seen))


@router.get("/domains/{domain:path}", dependencies=[Depends(reads_shared)])
def domain(request: Request, domain: str, user: GetUserDep) -> Response:
    """One domain."""
    return domain_page(request, user, domain)


def _boxes(tracking: Tracking) -> Form:
    return Form.of(**{f"track_{name}": "yes" for name, value in tracking._asdict().items() if value})


def domain_page(
    request: Request,
    user: BaseUser,
    domain: str,
    *,
    form: Form | None = None,
    preview: Coming | None = None,
    bounce_form: Form | None = None,
    tracking_form: Form | None = None,
    decision_form: Form | None = None,
    status: int = 200,
    new: bool = False,
) -> Response:
    """The page of a domain, with the forms that are being edited and the `preview` of a plan.

    Raises NotFound unless `new`.
    """
    # Read before the Variable is read for the page: at worst the page already shows an edit that the conflict reports.
    may_edit = variable_rights(user).edit
    text = control.read_quota_variable() if may_edit else None
    seen = DOMAINS.get(fresh=True)
    line = _new_line(seen, domain) if new and seen.find(domain) is None else _line(seen, domain)
    words, may_decide = language_of(request), may_write_quota(user)
    with reading() as conn:
        history = quota_days.history(conn, line.quota.domain, limit=HISTORY)
        bounce_domain = sender_domains.bounce_domain(conn, line.quota.domain)
        tracking = sender_domains.tracking(conn, line.quota.domain)
        reputation = section_values(
            words,
            conn,
            line.quota,
            form=(decision_form or Form.of(act=request.query_params.get("decide", ""))) if may_decide else None,
        )
    days = warmup_days(line.quota, history)
    tasks = [task for task in tasks_seen(user, fresh=True) if task.sender_domain == line.quota.domain]
    return render(
        request,
        "domains/page.html",
        status=status,
        sections=SECTIONS,
        is_new=seen.find(line.quota.domain) is None,
        form=_form(form, seen, line, text) if may_edit else None,
        preview=preview,
        bounce_domain=bounce_domain,
        bounce_form=(bounce_form or Form.of(bounce_domain=bounce_domain or "")) if may_decide else None,
        tracking=tracking,
        tracking_form=(tracking_form or _boxes(tracking)) if may_decide else None,
        dns_records=dns_records,
        proposed_bounce_domain=proposed_bounce_domain(line.quota.domain),
        zones=time_zones(),
        changes=recent_changes(line.quota.domain) if variable_rights(user).read else [],
        standard_plan=STANDARD_PLAN,
        **_now(line, user),
        **_variable(seen, user),
        **reputation,
        may_decide=may_decide,
        days=days,
        triggered=any(day.single for day in days),
        chart=_chart(words, line, days),
        standard=line.quota.plan is not None and line.quota.plan.steps == STANDARD_PLAN,
        day_length=_length(words, line),
        entry=entry_text(seen.plans, line.quota.domain),
        example=example_text(line.quota.domain, line.quota.now),
        tasks=tasks[:TASKS_SHOWN],
        task_count=len(tasks),
        status_labels=labels.STATUS,
    )


@router.get("/live/domains/{domain:path}", dependencies=[Depends(reads_shared)])
def domain_live(request: Request, domain: str, user: GetUserDep) -> Response:
    """The polled part of the page: today's quota and the pending mail."""
    line = _line(DOMAINS.get(), domain)
    return fragment(request, "domains/now.html", every=_every(line.quota), **_now(line, user))


@router.get("/live/domain-reputation/{domain:path}", dependencies=[Depends(reads_shared)])
def reputation_live(request: Request, domain: str, user: GetUserDep) -> Response:
    """The polled part of the reputation: level, figures, what would raise it."""
    line = _line(DOMAINS.get(), domain)
    values = now_values(language_of(request), line.quota)
    every = max(_every(line.quota), REPUTATION_EVERY)
    may_decide = may_write_quota(user)
    template = "domains/reputation_now.html"
    return fragment(request, template, every=every, quota=line.quota, may_decide=may_decide, **values)


def _form(form: Form | None, seen: Domains, line: DomainLine, text: str | None) -> Form | None:
    """The typed form, else that of the entry; None while the whole Variable is wrong (Airflow's page corrects it)."""
    if seen.plans.problem is not None and text:
        return None
    try:
        mark = entry_mark(text, line.quota.domain)
    except InvalidInput:
        return None
    return form or form_of(seen.plans.entries.get(line.quota.domain), seen=mark, now=line.quota.now)


def _every(*quotas: DomainQuota) -> int:
    """Seconds until the next poll: a day's quota changes only while a part of it is reserved."""
    return 5 if any(quota.today is not None and quota.today.reserved for quota in quotas) else STILL


def _line(seen: Domains, domain: str) -> DomainLine:
    found = seen.find(domain)
    if found is None:
        raise NotFound("sender domain", domain)
    return line_of(seen.plans, found)


def _new_line(seen: Domains, domain: str) -> DomainLine:
    """The status of a domain without mail, task or entry. Raises NotFound for a name that is no domain."""
    try:
        key = parse_domain(domain)
    except InvalidInput as problem:
        raise NotFound("sender domain", domain) from problem
    with reading() as conn:
        return line_of(seen.plans, domain_quota(conn, seen.plans, key))


def _list(request: Request, seen: Domains) -> dict[str, Any]:
    listing = Listing.read(request.query_params, sorts=tuple(SORTS))
    lines = [line_of(seen.plans, quota) for quota in seen.quotas]
    lines.sort(key=_KEYS[listing.sort], reverse=listing.descending)
    return {"lines": lines, "listing": listing}


def _variable(seen: Domains, user: BaseUser) -> dict[str, Any]:
    return {
        "variable_wrong": wrong_with_variable(seen.plans),
        "variable": variable_rights(user),
        "any_example": example_text("mail.example.com", seen.read_at),
    }


def _now(line: DomainLine, user: BaseUser) -> dict[str, Any]:
    forecast: list[ForecastDay] = list(line.forecast.days) if line.forecast else []
    names = {task.name for task in tasks_seen(user)}
    waiting: dict[tuple[str | None, bool], Counter[MessageStatus]] = {}
    for mail in line.quota.waiting:
        key = (mail.task if mail.task in names else None, mail.stopped)
        waiting.setdefault(key, Counter())[mail.standing] += mail.count
    parts = [TaskBacklog(task=task, stopped=stopped, counts=counts) for (task, stopped), counts in waiting.items()]
    return {
        "line": line,
        "quota": line.quota,
        "forecast": forecast[:FORECAST_SHOWN],
        "forecast_more": max(0, len(forecast) - FORECAST_SHOWN),
        "waiting": parts[:TASKS_SHOWN],
        "standings": [one for one in STANDINGS if any(part.counts[one] for part in parts)],
        "message_labels": labels.MESSAGE,
        "waiting_more": max(0, len(parts) - TASKS_SHOWN),
        "days_ahead": DAYS_AHEAD,
    }


def _chart(words: Language, line: DomainLine, days: list[WarmupDay]) -> Chart | None:
    if not days:
        return None
    columns = [
        Column(
            label=words.gettext("today") if day.today else _label(words, line, day),
            title=_title(words, line, day),
            front=day.sent or 0,
            back=day.allotment,
            marked=day.today,
        )
        for day in days
    ]
    return draw(words, columns, root=True)


def _label(words: Language, line: DomainLine, day: WarmupDay) -> str:
    if line.rehearsal and day.number is not None:
        return words.number(day.number)
    return day_label(words, day.date)


def _title(words: Language, line: DomainLine, day: WarmupDay) -> str:
    when = _label(words, line, day)
    if day.number is not None:
        number = words.gettext("Day %(number)s", number=words.number(day.number))
        when = number if line.rehearsal else f"{number}, {when}"
    quota = words.number(day.allotment)
    if day.sent is None:
        return words.gettext(_PLANNED, when=when, quota=quota)
    return words.gettext(_SENT, when=when, sent=words.number(day.sent), quota=quota)


def _length(words: Language, line: DomainLine) -> str | None:
    """The length of a rehearsal's day; None for real days."""
    if not line.rehearsal or line.quota.plan is None:
        return None
    return spans.span(words, line.quota.plan.day_length)
