"""Pages that change a sender domain's warm-up plan."""

from __future__ import annotations

from contextlib import suppress

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.application import quota_plan
from ses_ops.application.quota_status import domain_quota
from ses_ops.console.access import may_make_quota, writes_quota
from ses_ops.console.actor import actor_of
from ses_ops.console.change_made import note_change
from ses_ops.console.database import changing, forget_snapshots, reading
from ses_ops.console.domains.coming_days import coming
from ses_ops.console.domains.pages import domain_page
from ses_ops.console.domains.plan_form import read_plan
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.quota_snapshot import DOMAINS, variable_rights
from ses_ops.domain.address import domain_key, parse_domain
from ses_ops.domain.quota_text import entry_mark
from ses_ops.domain.warmup import QuotaPlans, WarmupPlan
from ses_ops.errors import Conflict, InvalidInput, NotFound, SesError
from ses_ops.orchestration import control, quota_variable
from ses_ops.orchestration.airflow_sync import copy_quota_after_change

router = APIRouter()

_ELSEWHERE = N_(
    "The environment variable AIRFLOW_VAR_SES_WARMUP_QUOTA sets the quota: what is saved here would have no effect."
)
_IN_BACKEND = N_("Airflow's secrets backend sets the quota: what is saved here would have no effect.")


@router.post("/domains/{domain:path}", dependencies=[Depends(writes_quota)])
def change_plan(request: Request, domain: str, user: GetUserDep, form: PostedDep) -> Response:
    """Preview a plan, or save it into the Airflow Variable."""
    words = language_of(request)
    key = _known(domain)
    rights = variable_rights(user)
    if rights.from_environment or rights.backend:
        raise HTTPException(409, _ELSEWHERE if rights.from_environment else _IN_BACKEND)
    read = read_plan(form, words, key)
    if read is None:
        return domain_page(request, user, key, form=form, status=422, new=True)
    entry, plan = read
    if form.text("step") != "save":
        return _preview(request, user, key, form, plan, entry)
    if not quota_variable.variable_exists() and not may_make_quota(user):
        raise HTTPException(403)
    before = DOMAINS.get().plans.entries.get(key)
    try:
        quota_plan.change(actor_of(user), quota_variable, key, entry, before=before, seen=form.text("seen"))
    except (Conflict, InvalidInput) as problem:
        forget_snapshots()
        # The page shows the present entry, so a person who saves again has seen it.
        again = form.with_values(seen=_mark(key))
        again.problem("", worded(words, problem))
        return domain_page(request, user, key, form=again, status=409, new=True)
    note_change()
    forget_snapshots()
    with suppress(SesError), changing() as conn:  # the plan is saved; ses_maintenance copies it too
        copy_quota_after_change(conn)
    text = words.gettext(N_("The plan of %(domain)s is saved; it holds from now on."), domain=key)
    return see_other(request, f"/domains/{key}", Flash(kind="done", text=text))


@router.get("/new-domain", dependencies=[Depends(writes_quota)])
def new_domain(request: Request, user: GetUserDep, domain: str = "") -> Response:
    """The page of a domain that no task has used yet, on which its plan can be made first."""
    try:
        key = parse_domain(domain.strip().rstrip("."))
    except InvalidInput as problem:
        flash = Flash(kind="problem", text=worded(language_of(request), problem))
        return see_other(request, "/domains", flash)
    return domain_page(request, user, key, new=True)


def _known(domain: str) -> str:
    """The status of a domain by its key, known or not. Raises NotFound for a name that is no domain."""
    key = domain_key(domain)
    if DOMAINS.get(fresh=True).find(key) is not None:
        return key
    try:
        return parse_domain(domain)
    except InvalidInput as problem:
        raise NotFound("sender domain", domain) from problem


def _mark(domain: str) -> str:
    try:
        return entry_mark(control.read_quota_variable(), domain)
    except InvalidInput:
        return ""  # the Variable is no JSON: the page has no form then


def _preview(
    request: Request, user: BaseUser, domain: str, form: Form, plan: WarmupPlan, entry: dict[str, object]
) -> Response:
    old = DOMAINS.get().find(domain)
    with reading() as conn:
        new = domain_quota(conn, QuotaPlans.parse({domain: entry}), domain)
    preview = coming(language_of(request), plan, new, old)
    return domain_page(request, user, domain, form=form, preview=preview, new=True)
