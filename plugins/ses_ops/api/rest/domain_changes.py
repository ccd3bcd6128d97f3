"""Changes of a sender domain: its bounce domain, what is tracked, its warm-up plan, decisions about its reputation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.keys import check_domain
from ses_ops.api.rest.access import Manages, Plans, Reads, Served
from ses_ops.api.rest.answers import answer, moment, require_match
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done, listed, one_of
from ses_ops.api.rest.domains import Domain, domain_object, known_domain
from ses_ops.api.rest.examples import DECIDE, DECISION, DOMAIN_CHANGE, PLAN, PLAN_ASKED, PLAN_ENTRY, QUOTA
from ses_ops.api.rest.fields import fields_of, text_in
from ses_ops.api.rest.paging import MOST_ITEMS, page
from ses_ops.api.rest.query import known_query
from ses_ops.application import blocked_mail, quota_plan, reputation_decisions, sender_domains
from ses_ops.application.changed import Changed
from ses_ops.domain.address import parse_domain
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.quota_text import entry_mark
from ses_ops.errors import InvalidInput
from ses_ops.storage.reputation import decisions

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.api.services import ApiServices
    from ses_ops.application.ports import Actor, PlanStore
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.reputation_decision import Decision
    from ses_ops.domain.warmup import QuotaPlans

router = APIRouter(
    prefix="/v1/domains/{domain}",
    tags=["Domains"],
    dependencies=[Depends(known_query)],
    responses=PROBLEMS | CHANGE_PROBLEMS,
)

_CHANGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "bounce_domain": {"type": ["string", "null"], "description": "Null: bounces go to the senders' addresses."},
        "track": {
            "type": "object",
            "properties": {"opens": {"type": "boolean"}, "clicks": {"type": "boolean"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
_ACTIONS = ("pin", "unpin", "cap", "uncap", "block", "release", "reset")
_DECIDE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"enum": list(_ACTIONS)},
        "reason": {"type": "string", "minLength": 1, "maxLength": reputation_decisions.LONGEST_REASON},
        "level": {"type": "integer", "minimum": 1, "maximum": 20, "description": "Of pin and cap."},
        "today": {"type": "boolean", "description": "Of block: only until the quota day ends."},
    },
    "required": ["action", "reason"],
    "additionalProperties": False,
}


@router.patch(
    "",
    summary="Change a sender domain",
    responses=done(QUOTA, "It is so from the next mail on."),
    openapi_extra=body(DOMAIN_CHANGE, _CHANGE_SCHEMA),
)
async def change_domain(request: Request, key: Manages, services: Served, plans: Plans, domain: Domain) -> Response:
    """Set where the bounces of a domain go, and what is tracked of its mail where neither task nor message says."""
    fields = await fields_of(request, _CHANGE_SCHEMA["properties"])
    name = await services.read(known_domain, plans, key, domain)
    if request.headers.get("if-match") is not None:
        require_match(request, await services.read(domain_object, plans, name))
    track = _tracking(fields)
    bounce_domain = text_in(fields, "bounce_domain", most=255)
    if track is not None:
        await services.change(key, sender_domains.set_tracking, name, track)
    if bounce_domain is not None:
        await services.change(key, sender_domains.set_bounce_domain, name, bounce_domain)
    elif "bounce_domain" in fields:
        await services.change(key, sender_domains.clear_bounce_domain, name)
    return answer(request, await services.read(domain_object, plans, name))


@router.get("/decisions", summary="Decisions about a sender domain", responses=listed(DECISION))
async def list_decisions(
    request: Request,
    key: Reads,
    services: Served,
    plans: Plans,
    domain: Domain,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="The newest so many.")] = 50,
) -> Response:
    """What was decided about the reputation of a domain, by its figures or by somebody, and why; the newest first."""
    name = await services.read(known_domain, plans, key, domain)
    found = await services.read(decisions.of_domain, name, limit=limit)
    return answer(request, page([_decision(one) for one in found], None))


@router.post(
    "/decisions",
    summary="Decide about a sender domain",
    responses=done(QUOTA, "It holds from now on."),
    openapi_extra=body(DECIDE, _DECIDE_SCHEMA),
)
async def decide(request: Request, key: Manages, services: Served, plans: Plans, domain: Domain) -> Response:
    """Hold the level of a domain (`pin`, `unpin`), bound it (`cap`, `uncap`), let nothing leave (`block`, `release`),
    or begin its reputation anew (`reset`). The reason stands beside the decision.
    """
    fields = await fields_of(request, _DECIDE_SCHEMA["properties"])
    name = await services.read(known_domain, plans, key, domain)
    action, reason = fields.get("action"), text_in(fields, "reason", most=reputation_decisions.LONGEST_REASON)
    if action not in _ACTIONS:
        raise InvalidInput("option_not_known", field="action", value=str(action)[:80], known=list(_ACTIONS))
    if reason is None:
        raise InvalidInput("field_missing", field="reason")
    await _decide(services, key, plans, name, fields, reason)
    return answer(request, await services.read(domain_object, plans, name))


@router.get("/plan", summary="The warm-up plan of a sender domain", responses=one_of(PLAN))
async def show_plan(request: Request, key: Reads, services: Served, plans: Plans, domain: Domain) -> Response:
    """The entry of the domain in the Airflow Variable `ses_warmup_quota` as it is written; null without one."""
    name = await services.read(known_domain, plans, key, domain)
    return answer(request, _plan(plans, name))


@router.put(
    "/plan",
    summary="Write the warm-up plan of a sender domain",
    status_code=202,
    responses=done(PLAN_ASKED, "It is checked, and written into Airflow within a minute.", status=202),
    openapi_extra=body(PLAN_ENTRY, {"type": "object"}),
)
async def write_plan(request: Request, key: Manages, services: Served, plans: Plans, domain: Domain) -> Response:
    """Replace the entry of the domain in the Airflow Variable `ses_warmup_quota` (docs/quota.md has its fields).

    A process with Airflow writes it, unless somebody else has edited the entry meanwhile.
    """
    entry = await fields_of(request, None)
    name = parse_domain(domain)
    check_domain(key, name, "domain")
    require_match(request, _plan(plans, name))

    def write(conn: Connection, actor: Actor) -> Changed:
        store: PlanStore = services.plan_store(key, conn)
        seen = entry_mark(services.airflow.quota_text(), name)
        return quota_plan.change(actor, store, name, entry, before=plans.entries.get(name), seen=seen)

    await services.change(key, write)
    return answer(request, {"domain": name, "entry": entry, "status": "asked"}, status=202, tagged=False)


def _plan(plans: QuotaPlans, domain: str) -> dict[str, Any]:
    return {"domain": domain, "entry": plans.entries.get(domain)}


async def _decide(
    services: ApiServices, key: ApiKey, plans: QuotaPlans, domain: str, fields: dict[str, Any], reason: str
) -> None:
    """Do what the fields say. Raises InvalidInput, Conflict, QuotaError."""
    action = fields["action"]
    _refuse_others(fields, {"pin": "level", "cap": "level", "block": "today"}.get(action))
    if action == "pin":
        await services.change(key, reputation_decisions.pin, plans, domain, _level(fields), reason=reason)
    elif action == "unpin":
        await services.change(key, reputation_decisions.unpin, plans, domain, reason=reason)
    elif action in ("cap", "uncap"):
        level = _level(fields) if action == "cap" else None
        await services.change(key, reputation_decisions.cap, plans, domain, level, reason=reason)
    elif action == "block":
        today = fields.get("today", False)
        if not isinstance(today, bool):
            raise InvalidInput("quota_switch_not_valid", value=str(today)[:80], field="today")
        await services.change(key, reputation_decisions.block, plans, domain, reason=reason, today=today)
    elif action == "release":
        await services.change(key, blocked_mail.release_blocked, plans, domain, note=reason)
    else:
        await services.change(key, reputation_decisions.reset, plans, domain, reason=reason)


def _refuse_others(fields: dict[str, Any], allowed: str | None) -> None:
    known = ["action", "reason", *([allowed] if allowed else [])]
    for name in fields:
        if name not in known:
            raise InvalidInput("unknown_key", field=name, known=known)


def _level(fields: dict[str, Any]) -> int:
    level = fields.get("level")
    if isinstance(level, bool) or not isinstance(level, int):
        raise InvalidInput("field_missing", field="level")
    return level


def _tracking(fields: dict[str, Any]) -> Tracking | None:
    track = fields.get("track")
    if track is None:
        return None
    if not isinstance(track, dict):
        raise InvalidInput("not_tracking", field="track")
    for name, value in track.items():
        if name not in Tracking._fields or not isinstance(value, bool):
            raise InvalidInput("not_tracking", field="track")
    return Tracking(**track)


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "decided_at": moment(one.decided_at),
        "kind": str(one.kind),
        "level_before": one.level_before,
        "level_after": one.level_after,
        "effective_at": moment(one.effective_at),
        "shadow": one.shadow,
        "why": str(one.why),
        "by": one.actor or None,
        "reason": one.note or None,
    }
