"""`/v1/domains`: sender domains, their quota of today and of the days before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.keys import check_domain
from ses_ops.api.rest.access import Plans, Reads, Served, domains_of
from ses_ops.api.rest.answers import answer
from ses_ops.api.rest.documents import PROBLEMS, listed, one_of
from ses_ops.api.rest.examples import QUOTA, QUOTA_DAY
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, cursor_of, cut, page, position_of
from ses_ops.api.rest.query import known_query
from ses_ops.application.quota_status import domain_quota, known_domains
from ses_ops.domain.address import domain_key
from ses_ops.errors import NotFound
from ses_ops.storage.quota import quota_days, sender_domains
from ses_ops.storage.reputation import states

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.warmup import QuotaPlans, WarmupPlan
    from ses_ops.errors import SesError
    from ses_ops.storage.quota.quota_days import PastDay
    from ses_ops.storage.quota.sender_domains import QuotaToday

router = APIRouter(prefix="/v1/domains", tags=["Domains"], dependencies=[Depends(known_query)], responses=PROBLEMS)

Domain = Annotated[str, Path(max_length=255, description="A sender domain.", examples=["mail.example.com"])]
_LIST = "domains"


@router.get("", summary="List sender domains", responses=listed(QUOTA))
async def list_domains(
    request: Request, key: Reads, services: Served, plans: Plans, limit: Limit = ITEMS, cursor: Cursor = None
) -> Response:
    """Every sender domain that a task uses, that has sent, or that has a warm-up plan, with its quota of today."""
    after = "" if cursor is None else position_of(_LIST, cursor, str)[0]
    return answer(request, await services.read(_page, plans, domains_of(key), after=after, limit=limit))


@router.get("/{domain}", summary="A sender domain and its quota", responses=one_of(QUOTA))
async def show_domain(request: Request, key: Reads, services: Served, plans: Plans, domain: Domain) -> Response:
    """The plan of a sender domain, what is left of today, its reputation level, and what is tracked of its mail."""
    return answer(request, await services.read(_domain, plans, key, domain))


@router.get("/{domain}/quota-days", summary="Past quota days", responses=listed(QUOTA_DAY))
async def list_days(
    request: Request,
    key: Reads,
    services: Served,
    plans: Plans,
    domain: Domain,
    limit: Limit = quota_days.HISTORY,
) -> Response:
    """The quota days on which something was sent, the newest first. It is one page: `limit` says how many days."""
    days = await services.read(_days, plans, key, domain, limit)
    return answer(request, page([{one: getattr(day, one) for one in QUOTA_DAY} for day in days], None))


def _page(conn: Connection, plans: QuotaPlans, own: frozenset[str] | None, *, after: str, limit: int) -> dict[str, Any]:
    known = [one for one in known_domains(conn, plans) if own is None or one in own]
    names = [one for one in known if one > after][: limit + 1]
    shown, following = cut(names, limit, lambda name: cursor_of(_LIST, name))
    return page([domain_object(conn, plans, one) for one in shown], following)


def _domain(conn: Connection, plans: QuotaPlans, key: ApiKey, domain: str) -> dict[str, Any]:
    return domain_object(conn, plans, known_domain(conn, plans, key, domain))


def _days(conn: Connection, plans: QuotaPlans, key: ApiKey, domain: str, limit: int) -> list[PastDay]:
    return quota_days.history(conn, known_domain(conn, plans, key, domain), limit=limit)


def known_domain(conn: Connection, plans: QuotaPlans, key: ApiKey, domain: str) -> str:
    """The key of a sender domain that is known. Raises Refusal 403, NotFound."""
    name, own = domain_key(domain), domains_of(key)
    check_domain(key, name, "domain")
    known = known_domains(conn, plans)
    if name not in known:
        seen = [one for one in known if own is None or one in own]
        raise NotFound("sender domain", domain, code="sender_domain_not_known", known=seen)
    return name


def domain_object(conn: Connection, plans: QuotaPlans, domain: str) -> dict[str, Any]:
    """A sender domain as it is answered."""
    quota = domain_quota(conn, plans, domain)
    state = states.of_domain(conn, domain)
    return {
        "domain": domain,
        "quota": _quota(quota),
        "level": None if state is None else state.level,
        "bounce_domain": sender_domains.bounce_domain(conn, domain),
        "track": sender_domains.tracking(conn, domain)._asdict(),
    }


def _quota(quota: DomainQuota) -> dict[str, Any]:
    plan = quota.plan
    return {
        "mode": None if plan is None else _mode(plan),
        "plan": None if plan is None else list(plan.steps),
        "started_on": None if plan is None else plan.started_on,
        "time_zone": None if plan is None else plan.time_zone,
        "daily_limit": None if plan is None else plan.daily_limit,
        "problem": _problem(quota.problem),
        "today": None if quota.today is None else _today(quota.today),
        "backlog": quota.backlog,
    }


def _mode(plan: WarmupPlan) -> str:
    """`calendar`, `reputation`, or `guard`: a calendar that the reputation lowers."""
    if plan.reputation is None:
        return "calendar"
    return "reputation" if plan.led_by_reputation else "guard"


def _problem(problem: SesError | None) -> dict[str, str] | None:
    return None if problem is None else {"code": problem.code, "detail": str(problem)}


def _today(today: QuotaToday) -> dict[str, Any]:
    why = today.allowance.blocked_why
    return {
        **{name: getattr(today.day, name) for name in ("number", "starts_at", "ends_at", "allotment")},
        **{name: getattr(today, name) for name in ("used", "reserved", "left", "single", "set_aside")},
        "limited_by": today.allowance.limited_by,
        "blocked_until": today.allowance.blocked_until,
        "blocked_why": None if why is None else str(why),
    }
