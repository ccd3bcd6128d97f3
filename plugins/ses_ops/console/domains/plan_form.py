"""Conversion between an entry of the quota Variable and its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ses_ops.console.forms import Form
from ses_ops.console.quota_errors import BY_FIELD
from ses_ops.domain.warmup import WarmupPlan, parse_plan
from ses_ops.errors import QuotaError

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.console.language import Language

STANDARD, OWN = "standard", "own"
#: Field of the form for the errors of each field of the entry.
_FIELDS = {
    "plan": "steps",
    "started_on": "started_on",
    "time_zone": "time_zone",
    "daily_limit": "daily_limit",
    "day_length": "day_length",
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
        plan=OWN if steps else STANDARD,
        steps=" ".join(map(str, steps)),
        started_on=str(given.get("started_on", f"{now:%Y-%m-%d}")),
        time_zone=str(given.get("time_zone", "UTC")),
        daily_limit="" if limit is None else str(limit),
        day_length=str(given.get("day_length", "")),
        seen=seen,
    )


def read_plan(form: Form, words: Language, domain: str) -> tuple[dict[str, Any], WarmupPlan] | None:
    """The entry in a form, and its plan; None when there are errors, which the form then has."""
    entry: dict[str, Any] = {"plan": STANDARD if form.text("plan") != OWN else _steps(form, words)}
    entry |= {"started_on": form.text("started_on"), "time_zone": form.text("time_zone") or "UTC"}
    if form.text("daily_limit"):
        entry["daily_limit"] = _whole(form.text("daily_limit"))
    if form.text("day_length"):
        entry["day_length"] = form.text("day_length")
    try:
        plan = parse_plan(domain, entry)
    except QuotaError as problem:
        field = problem.field or ""
        text = BY_FIELD.get(field)
        form.problem(_FIELDS.get(field, ""), words.gettext(text) if text else str(problem))
        return None
    return None if form.errors else (entry, plan)


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
