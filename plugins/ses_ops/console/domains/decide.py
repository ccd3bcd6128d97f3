"""A person's decision about the reputation of a sender domain: one form, and the question before it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import blocked_mail, reputation_decisions
from ses_ops.console.access import writes_quota
from ses_ops.console.database import forget_snapshots
from ses_ops.console.domains.decision_texts import TEXTS, Act
from ses_ops.console.domains.pages import domain_page
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.quota_snapshot import DOMAINS
from ses_ops.domain.address import domain_key
from ses_ops.domain.warmup import STANDARD_PLAN, QuotaPlans
from ses_ops.errors import Conflict, InvalidInput, NotFound, QuotaError, ResumeNotAllowed

if TYPE_CHECKING:
    from ses_ops.console.language import Language

router = APIRouter()

#: Most characters of a reason.
LONGEST_REASON = 500
_REASON = N_("Say why: colleagues read it beside the decision.")
_CHOOSE = N_("Choose what to decide.")
_LEVEL = N_("Choose a level from 1 to 20.")


@router.post("/domain-decisions/{domain:path}", dependencies=[Depends(writes_quota)])
def decide(request: Request, domain: str, user: GetUserDep, form: PostedDep) -> Response:
    """Ask about a decision, and carry it out when it is confirmed."""
    key, words = domain_key(domain), language_of(request)
    seen = DOMAINS.get(fresh=True)
    if seen.find(key) is None:
        raise NotFound("sender domain", domain)
    act, level = _read(form, words)
    if form.errors or act is None:
        return domain_page(request, user, key, decision_form=form, status=422)
    texts, values = TEXTS[act], _values(words, key, level)
    if not form.checked("confirmed"):
        return render(
            request,
            "domains/decision.html",
            domain=key,
            form=form,
            question=words.gettext(texts.question, **values),
            consequence=words.gettext(texts.consequence),
            action=words.gettext(texts.action),
        )
    try:
        untold = _carry_out(user, seen.plans, key, act, level, form.text("reason")[:LONGEST_REASON])
    except (Conflict, InvalidInput, QuotaError, ResumeNotAllowed) as problem:
        return see_other(request, f"/domains/{key}", Flash(kind="problem", text=worded(words, problem)))
    forget_snapshots()
    text = words.gettext(texts.done, **values)
    return see_other(request, f"/domains/{key}", Flash(kind="done", text=f"{text} {untold}" if untold else text))


def _read(form: Form, words: Language) -> tuple[Act | None, int]:
    """The decision and its level (0 without one); errors are noted in the form."""
    act = next((one for one in Act if one.value == form.text("act")), None)
    if act is None:
        form.problem("act", words.gettext(_CHOOSE))
    if not form.text("reason"):
        form.problem("reason", words.gettext(_REASON))
    typed = form.text("level")
    level = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 3 else 0
    if act is not None and act.takes_level and not 1 <= level <= len(STANDARD_PLAN):
        form.problem("level", words.gettext(_LEVEL))
    return act, level if act is not None and act.takes_level else 0


def _values(words: Language, domain: str, level: int) -> dict[str, object]:
    quota = STANDARD_PLAN[level - 1] if level else 0
    return {"domain": domain, "level": words.number(level), "quota": words.number(quota)}


def _carry_out(user: BaseUser, plans: QuotaPlans, domain: str, act: Act, level: int, reason: str) -> str | None:
    """The sentence about what Airflow did not get; None when it has got everything."""
    decisions = reputation_decisions
    match act:
        case Act.PIN:
            _, untold = change(user, decisions.pin, plans, domain, level, reason=reason)
        case Act.UNPIN:
            _, untold = change(user, decisions.unpin, plans, domain, reason=reason)
        case Act.CAP:
            _, untold = change(user, decisions.cap, plans, domain, level, reason=reason)
        case Act.UNCAP:
            _, untold = change(user, decisions.cap, plans, domain, None, reason=reason)
        case Act.BLOCK_TODAY:
            _, untold = change(user, decisions.block, plans, domain, reason=reason, today=True)
        case Act.BLOCK:
            _, untold = change(user, decisions.block, plans, domain, reason=reason)
        case Act.RELEASE:
            _, untold = change(user, blocked_mail.release_blocked, plans, domain, note=reason)
        case Act.GIVE_UP:
            _, untold = change(user, blocked_mail.give_up_blocked, domain, note=reason)
        case Act.RESET:
            _, untold = change(user, decisions.reset, plans, domain, reason=reason)
    return untold
