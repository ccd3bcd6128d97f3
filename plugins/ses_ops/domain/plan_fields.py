"""The fields of an entry of the quota Variable, each checked by itself.

Every function raises QuotaError naming the domain and the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ses_ops.domain.clock import YEARS, read_moment, zone
from ses_ops.errors import InvalidInput, QuotaError

#: Messages a day, step by step, in the plan of the reference console, and the quota of each reputation level.
STANDARD_PLAN = (
    *(500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000),
    *(150_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, 1_000_000),
)
LEVELS = len(STANDARD_PLAN)
#: The value of the field `plan` with which the reputation of the domain leads its quota.
REPUTATION = "reputation"

REAL_DAY = timedelta(hours=24)
#: The shortest rehearsal day, in which Airflow has time to start a run.
SHORTEST_DAY = timedelta(seconds=5)
#: Percent of a day that is set aside for single messages: at most, and where an API key names the domain.
MOST_SHARE = 50
USUAL_SHARE = 5
#: The fields that say how the reputation takes part.
OF_REPUTATION = ("start_level", "max_level", "shadow", "guard")


def whole(domain: str, field: str, value: object) -> int:
    """A number of messages, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise QuotaError("quota_number_not_valid", value=value, domain=domain, field=field)
    return value


def trigger_share(domain: str, value: object) -> int | None:
    """Percent of a day that is set aside for single messages; None: the entry does not say."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_SHARE:
        raise QuotaError("quota_share_not_valid", most=MOST_SHARE, value=value, domain=domain, field="trigger_share")
    return value


def steps(domain: str, value: object) -> tuple[int, ...]:
    """Messages a day, step by step; of a plan led by the reputation the standard plan, whose steps are its levels."""
    if value in ("standard", REPUTATION):
        return STANDARD_PLAN
    if not isinstance(value, list | tuple) or not value:
        raise QuotaError(
            "quota_plan_not_valid",
            value=value,
            domain=domain,
            field="plan",
        )
    return tuple(whole(domain, "plan", step) for step in value)


def started_at(domain: str, value: object, tz_name: str) -> datetime:
    """The aware moment at which day 1 begins."""
    problem = QuotaError(
        "quota_start_not_a_date",
        first=YEARS[0],
        last=YEARS[-1],
        value=value,
        domain=domain,
        field="started_on",
    )
    if not isinstance(value, str):
        raise problem
    try:
        moment = read_moment(value, zone(tz_name))
    except InvalidInput as cause:
        raise problem from cause
    if moment is None:
        raise problem
    return moment


def day_length(domain: str, value: object) -> timedelta:
    """The length of a quota day: 24 hours, or less in a rehearsal."""
    import pendulum  # a tenth of a second, which a process of the API need not take

    problem = QuotaError("quota_day_length_not_valid", value=value, domain=domain, field="day_length")
    if value == "PT24H":
        return REAL_DAY
    try:
        span = pendulum.parse(value) if isinstance(value, str) else None
    except ValueError:
        raise problem from None
    if not isinstance(span, pendulum.Duration):
        raise problem
    length = timedelta(seconds=span.total_seconds())
    if not SHORTEST_DAY <= length <= REAL_DAY:
        raise problem
    return length


def reputation(domain: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of a ReputationPlan; None for a calendar plan that the reputation does not guard."""
    leads = entry.get("plan") == REPUTATION
    guard = _switch(domain, "guard", entry.get("guard", False))
    if leads and guard:
        raise QuotaError("quota_guard_of_reputation", domain=domain, field="guard")
    for field in OF_REPUTATION:
        if field in entry and not leads and (field == "start_level" or (not guard and field != "guard")):
            raise QuotaError("quota_field_needs_reputation", domain=domain, field=field)
    if not leads and not guard:
        return None
    start = _level(domain, "start_level", entry.get("start_level", 1))
    highest = _level(domain, "max_level", entry.get("max_level", LEVELS))
    if highest < start:
        raise QuotaError("quota_max_level_too_low", value=highest, start=start, domain=domain, field="max_level")
    shadow = _switch(domain, "shadow", entry.get("shadow", False))
    return {"start_level": start, "max_level": highest, "shadow": shadow, "guard": guard}


def _level(domain: str, field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LEVELS:
        raise QuotaError("quota_level_not_valid", most=LEVELS, value=value, domain=domain, field=field)
    return value


def _switch(domain: str, field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise QuotaError("quota_switch_not_valid", value=value, domain=domain, field=field)
    return value
