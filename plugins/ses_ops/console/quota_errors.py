"""Sentences about errors of the quota Variable, in the reader's language.

Each says how to correct the Variable. The errors of the domain are English, for logs and the command line; they have
the field, and these sentences are by field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.console.language import N_
from ses_ops.domain.quota_entries import SeveralEntries
from ses_ops.domain.warmup import VARIABLE
from ses_ops.errors import QuotaError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.domain.warmup import QuotaPlans

#: Most characters of a wrong value that are shown.
LONGEST = 200

NOT_SET = N_(
    "The Airflow Variable ses_warmup_quota is not set, so nothing can be sent. Make it with one entry for each domain."
)
NOT_JSON = N_(
    "The Airflow Variable ses_warmup_quota is not valid JSON, so nothing can be sent: there is a mistake in line"
    " %(line)s, column %(column)s."
)
NO_OBJECT = N_(
    "The Airflow Variable ses_warmup_quota must be a JSON object with one entry for each domain; until then nothing"
    " can be sent."
)
MISSING = N_(
    "The Variable has no entry for this domain, so nothing is sent from it. Its tasks stop with an error and their mail"
    " waits; nothing is lost."
)
NO_ENTRY = N_("The entry must be an object with plan and started_on.")
SEVERAL = N_(
    "The Variable has several entries for this domain: %(names)s. They are one and the same; keep one of them."
)
NO_DOMAIN = N_(
    "This is not the name of a domain, so no mail is ever sent by this entry. Write it as in a sender's address."
)
TWICE = N_("The field stands there more than once. Keep one of them.")
UNKNOWN_FIELD = N_("There is no such field. Take it out, or write it as one of: %(fields)s.")
_LEVEL = N_("Must be a level of the reputation, a whole number from 1 to 20.")
_SWITCH = N_("Must be true or false.")
NEEDS_REPUTATION = N_(
    'This only holds with "plan": "reputation" or, but for start_level, with "guard": true. Take it out, or write one'
    " of those."
)
NO_GUARD = N_('A plan that the reputation leads needs no guard. Take it out, or write a calendar as "plan".')
TOO_LOW = N_("The highest level is below the level at which the domain begins.")
BY_FIELD = {
    "plan": N_(
        'Must be "standard", "reputation" or a list of whole numbers, the messages of each day, such as'
        " [500, 1000, 2000]."
    ),
    "started_on": N_("Must be a date such as 2026-12-01, the first day of the warm-up, or a date with a time."),
    "time_zone": N_("Must be the name of a time zone as the IANA database has it, such as Asia/Tokyo or UTC."),
    "daily_limit": N_("Must be a whole number of messages, 1 or more. Without this field only the plan counts."),
    "day_length": N_("Must be a duration from PT5S to PT24H. PT24H is a real day, PT60S a rehearsal in minutes."),
    "trigger_share": N_("Must be a whole number of percent from 0 to 50."),
    "start_level": _LEVEL,
    "max_level": _LEVEL,
    "shadow": _SWITCH,
    "guard": _SWITCH,
}


#: What is said of these codes; of the others what their field says.
BY_CODE = {
    "quota_entry_missing": MISSING,
    "quota_entry_not_an_object": NO_ENTRY,
    "quota_entries_repeated": SEVERAL,
    "quota_domain_not_valid": NO_DOMAIN,
    "quota_field_repeated": TWICE,
    "quota_field_unknown": UNKNOWN_FIELD,
    "quota_field_needs_reputation": NEEDS_REPUTATION,
    "quota_guard_of_reputation": NO_GUARD,
    "quota_max_level_too_low": TOO_LOW,
}

#: Codes of errors that are about no value.
NO_VALUE = frozenset(
    ("quota_entry_missing", "quota_entries_repeated", "quota_domain_not_valid", "quota_field_repeated")
)


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """An error to correct; its text is `_(wrong.text, **wrong.values)`."""

    text: str
    values: Mapping[str, object]
    #: The field of the entry, and the wrong value as JSON.
    field: str | None = None
    given: str | None = None


def wrong_with_variable(plans: QuotaPlans) -> Wrong | None:
    """The error that makes the whole Variable unusable, or None."""
    if plans.problem is None:
        return None
    facts = plans.problem.facts
    if plans.problem.code == "quota_not_json" and "line" in facts:
        return Wrong(text=NOT_JSON, values={"line": facts["line"], "column": facts["column"]})
    return Wrong(text=NOT_SET if plans.problem.code == "quota_not_set" else NO_OBJECT, values={})


def wrong_with_entry(plans: QuotaPlans, quota: DomainQuota) -> Wrong | None:
    """The error of one domain's entry, or None; a warm-up that has not begun is no error."""
    problem = quota.problem
    if not isinstance(problem, QuotaError) or quota.not_begun:
        return None
    field, entry = problem.field, plans.entries.get(quota.domain)
    if (text := BY_CODE.get(problem.code)) is not None:
        facts = problem.facts
        values: dict[str, object] = {"fields": ", ".join(facts.get("fields", ()))}
        if isinstance(entry, SeveralEntries):
            values["names"] = ", ".join(entry.names)
        return Wrong(text=text, values=values, field=field, given=_given(problem, entry))
    return Wrong(text=BY_FIELD[str(field)], values={}, field=field, given=_given(problem, entry))


def _given(problem: QuotaError, entry: object) -> str | None:
    """The wrong value as JSON, for an error that is about one."""
    if problem.code == "quota_entry_not_an_object":
        return _shown(entry)
    if problem.code in NO_VALUE:
        return None
    return _shown(entry[problem.field]) if isinstance(entry, dict) and problem.field in entry else None


def entry_text(plans: QuotaPlans, domain: str) -> str | None:
    """A domain's entry in the Variable; None without one."""
    if domain not in plans.entries:
        return None
    entry = plans.entries[domain]
    if isinstance(entry, SeveralEntries):
        pairs = zip(entry.names, entry.entries, strict=True)
        return "\n".join(json.dumps({name: one}, indent=2, ensure_ascii=False) for name, one in pairs)
    return json.dumps({domain: entry}, indent=2, ensure_ascii=False)


def example_text(domain: str, now: datetime) -> str:
    """A sample of an entry."""
    entry = {"plan": "standard", "started_on": f"{now:%Y-%m-%d}", "time_zone": "UTC"}
    return json.dumps({domain: entry}, indent=2, ensure_ascii=False)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


__all__ = ["VARIABLE", "Wrong", "entry_text", "example_text", "wrong_with_entry", "wrong_with_variable"]
