"""Conversion between an entry of the quota Variable and its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ses_ops.console.forms import Form
from ses_ops.console.quota_errors import BY_CODE, BY_FIELD
from ses_ops.domain.plan_fields import REPUTATION
from ses_ops.domain.warmup import WarmupPlan, parse_plan
from ses_ops.errors import QuotaError

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.console.language import Language

STANDARD, OWN = "standard", "own"
#: What the level of the domain does under a calendar: it lowers the calendar, or is only shown.
GUARD, SHADOW = "guard", "shadow"
#: Field of the form for the errors of each field of the entry.
_FIELDS = {
    "plan": "steps",
    "started_on": "started_on",
    "time_zone": "time_zone",
    "daily_limit": "daily_limit",
    "day_length": "day_length",
    "trigger_share": "trigger_share",
    "start_level": "start_level",
    "max_level": "max_level",
    "shadow": "level_use",
    "guard": "level_use",
}
#: Most steps of a plan in the form; the standard plan has 20.
MOST_STEPS = 1_000
_BETWEEN = re.compile(r"[\s,;]+")


def form_of(entry: object, *, seen: str, now: datetime) -> Form:
    """The form of the Variable's entry, valid or not; without an entry, the form of a warm-up's start."""
    given: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    plan = given.get("plan", STANDARD)
    steps = plan if isinstance(plan, list) else []
    limit = given.get("daily_limit")
    return Form.of(
        plan=OWN if steps else REPUTATION if plan == REPUTATION else STANDARD,
        steps=" ".join(map(str, steps)),
        started_on=str(given.get("started_on", f"{now:%Y-%m-%d}")),
        time_zone=str(given.get("time_zone", "UTC")),
        daily_limit="" if limit is None else str(limit),
        day_length=str(given.get("day_length", "")),
        trigger_share=str(given.get("trigger_share", "")),
        start_level=str(given.get("start_level", "")),
        max_level=str(given.get("max_level", "")),
        level_use=SHADOW if given.get("shadow") is True else GUARD if given.get("guard") is True else "",
        seen=seen,
    )


def read_plan(form: Form, words: Language, domain: str) -> tuple[dict[str, Any], WarmupPlan] | None:
    """The entry in a form, and its plan; None when there are errors, which the form then has."""
    chosen = form.text("plan")
    plan_field: Any = _steps(form, words) if chosen == OWN else REPUTATION if chosen == REPUTATION else STANDARD
    entry: dict[str, Any] = {"plan": plan_field}
    entry |= {"started_on": form.text("started_on"), "time_zone": form.text("time_zone") or "UTC"}
    if form.text("daily_limit"):
        entry["daily_limit"] = _whole(form.text("daily_limit"))
    if form.text("day_length"):
        entry["day_length"] = form.text("day_length")
    if form.text("trigger_share"):
        entry["trigger_share"] = _whole(form.text("trigger_share"))
    entry |= _of_reputation(form)
    try:
        plan = parse_plan(domain, entry)
    except QuotaError as problem:
        field = problem.field or ""
        text = BY_CODE.get(problem.code) or BY_FIELD.get(field)
        form.problem(_FIELDS.get(field, ""), words.gettext(text) if text else str(problem))
        return None
    return None if form.errors else (entry, plan)


def _of_reputation(form: Form) -> dict[str, Any]:
    """The fields of the reputation; those that are left empty, or say what holds without them, are left out."""
    fields = {name: _whole(form.text(name)) for name in ("start_level", "max_level") if form.text(name)}
    use = form.text("level_use")
    shadow = {"shadow": True} if use == SHADOW else {}
    guard = {"guard": True} if use in (GUARD, SHADOW) and form.text("plan") != REPUTATION else {}
    return {**fields, **guard, **shadow}


def _steps(form: Form, words: Language) -> list[Any]:
    steps = [_whole(one) for one in _BETWEEN.split(form.text("steps")) if one]
    if len(steps) > MOST_STEPS:
        text = words.gettext("At most %(most)s steps.", most=words.number(MOST_STEPS))
        form.problem("steps", text)
    return steps[:MOST_STEPS]


def _whole(text: str) -> int | str:
    """The number, or the text when it is no number, which `parse_plan` refuses."""
    # The limit is above the messages of any day; Python refuses to read numbers of thousands of digits.
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else text
