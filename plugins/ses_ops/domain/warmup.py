"""The warm-up plan of a sender domain: its quota days and their allotments.

The rules are those of the reference console. The plan comes from the Airflow Variable `ses_warmup_quota`; sent and
reserved messages are counted in PostgreSQL, never here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ses_ops.domain import plan_fields
from ses_ops.domain.address import domain_key, parse_domain
from ses_ops.domain.clock import check_aware, from_wall_clock, to_wall_clock, zone
from ses_ops.domain.quota_entries import RepeatedKeys, SeveralEntries, quota_object, several_entries
from ses_ops.errors import InvalidInput, QuotaError, WarmupNotBegun

VARIABLE = "ses_warmup_quota"

#: Messages a day, step by step, in the plan of the reference console.
STANDARD_PLAN = plan_fields.STANDARD_PLAN
REAL_DAY = plan_fields.REAL_DAY
#: A resume begins at the latest one `LAST_CALL`th of a day before the day ends: time for Airflow and for sending.
LAST_CALL = 12
FIELDS = (
    *("plan", "started_on", "time_zone", "daily_limit", "day_length", "trigger_share"),
    *plan_fields.OF_REPUTATION,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReputationPlan:
    """How the reputation of a sender domain leads its quota, or guards a calendar plan (domain/allowance.py)."""

    #: Levels of the standard plan, 1 to 20: where a domain begins, and the highest it reaches by itself.
    start_level: int = 1
    max_level: int = 20
    #: Levels are computed and shown, and the calendar (or `start_level`) holds.
    shadow: bool = False
    #: The plan is a calendar, and the level only lowers it.
    guard: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupPlan:
    """One entry of the Variable, checked. `started_at` is the aware moment at which day 1 begins."""

    domain: str
    steps: tuple[int, ...]
    started_on: str
    started_at: datetime
    time_zone: str
    daily_limit: int | None = None
    day_length: timedelta = REAL_DAY
    #: None: the calendar alone.
    reputation: ReputationPlan | None = None
    #: Percent of a day that bulk mail leaves to single messages; None: as its keys say (`sender_domains.with_share`).
    trigger_share: int | None = None

    def set_aside(self, quota: int) -> int:
        """Number of messages of a day's quota that are for single messages alone: its share, rounded up."""
        return -(-quota * (self.trigger_share or 0) // 100)

    @property
    def is_rehearsal(self) -> bool:
        return self.day_length != REAL_DAY

    @property
    def led_by_reputation(self) -> bool:
        """Whether the level of the domain is its plan."""
        return self.reputation is not None and not self.reputation.guard

    @property
    def rehearsal_key(self) -> str:
        """The key of a rehearsal: with another start or day length the rehearsal begins anew."""
        return f"{self.started_on} {self.time_zone} {self.day_length.total_seconds():g}s"

    @property
    def rehearsal_counts_from_first_use(self) -> bool:
        """Whether day 1 begins with the first reservation: so in a rehearsal whose start is only a date."""
        return self.is_rehearsal and "T" not in self.started_on and " " not in self.started_on

    def allotment(self, day_number: int) -> int:
        """Number of messages on the day of that number (from 1); after the last step the plan stays on that step.

        Where the reputation leads, the plan alone allots the quota of the level at which the domain begins.
        """
        if self.led_by_reputation and self.reputation is not None:
            day_number = self.reputation.start_level
        step = self.steps[min(day_number, len(self.steps)) - 1]
        return step if self.daily_limit is None else min(step, self.daily_limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaDay:
    """One quota day of a sender domain: [starts_at, ends_at) in UTC, its number from 1, its allotment in messages."""

    number: int
    starts_at: datetime
    ends_at: datetime
    allotment: int


def quota_day(plan: WarmupPlan, now: datetime, *, rehearsal_began_at: datetime | None = None) -> QuotaDay:
    """The quota day that `now` falls into.

    A real day runs from midnight to midnight in the plan's zone and so has 23, 24 or 25 hours. Raises WarmupNotBegun
    before its first day. `rehearsal_began_at` is the first use of a rehearsal that names only a date.
    """
    check_aware(now)
    begin = plan.started_at
    if plan.rehearsal_counts_from_first_use and rehearsal_began_at is not None:
        begin = max(begin, rehearsal_began_at)
    if now < begin:
        raise WarmupNotBegun(plan.domain, begins_at=begin, words=f"{plan.started_on} {plan.time_zone}")
    if plan.is_rehearsal:
        number = (now - begin) // plan.day_length + 1
        starts_at = (begin + (number - 1) * plan.day_length).astimezone(UTC)
        ends_at = starts_at + plan.day_length
    else:
        tz = zone(plan.time_zone)
        today = to_wall_clock(now, tz).date()
        number = (today - to_wall_clock(begin, tz).date()).days + 1
        starts_at = from_wall_clock(datetime.combine(today, time()), tz)
        ends_at = from_wall_clock(datetime.combine(today + timedelta(days=1), time()), tz)
    return QuotaDay(number=number, starts_at=starts_at, ends_at=ends_at, allotment=plan.allotment(number))


def resume_at(plan: WarmupPlan, paused_at: datetime, day: QuotaDay) -> datetime:
    """When mail cached at `paused_at`, on `day`, is resumed: one day later, and on the next quota day.

    Never before that day has begun, and never in its last twelfth: the run would be too late for the quota that is set
    aside for this mail, and after a clock change of an hour would even begin on the day after.
    """
    following = day.ends_at + plan.day_length if plan.is_rehearsal else quota_day(plan, day.ends_at).ends_at
    last_call = following - plan.day_length / LAST_CALL
    # The inner min changes no result: it avoids an addition to a moment at the end of time, which would fail.
    return max(day.ends_at, min(min(check_aware(paused_at), day.ends_at) + plan.day_length, last_call))


def resume_again_at(plan: WarmupPlan, cached_at: datetime, day: QuotaDay) -> datetime:
    """When mail that was cached before, and finds no quota on `day` either, is resumed: `resume_at` at its time of day.

    Every call on that day gives one and the same moment, and so one run.
    """
    if cached_at >= day.starts_at:
        return resume_at(plan, cached_at, day)
    if plan.is_rehearsal:
        days = -((cached_at - day.starts_at) // plan.day_length)
        return resume_at(plan, cached_at + days * plan.day_length, day)
    tz = zone(plan.time_zone)
    that_day = to_wall_clock(day.starts_at, tz).date()
    same_time = from_wall_clock(datetime.combine(that_day, to_wall_clock(cached_at, tz).time()), tz)
    return resume_at(plan, same_time, day)


def parse_quota_variable(value: object) -> dict[str, Any]:
    """The Variable as a mapping of sender domain (`domain_key`) to raw entry; accepts JSON text or a parsed object.

    Raises InvalidInput when it is absent or no JSON object. Entries are not checked yet.
    """
    if value is None or value == "":
        raise InvalidInput("quota_not_set")
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=quota_object)
        except ValueError as cause:
            place: dict[str, Any] = (
                {"line": cause.lineno, "column": cause.colno} if isinstance(cause, json.JSONDecodeError) else {}
            )
            raise InvalidInput("quota_not_json", cause=cause, **place) from cause
    if not isinstance(value, Mapping):
        raise InvalidInput("quota_not_an_object")
    pairs = value.pairs if isinstance(value, RepeatedKeys) else list(value.items())
    entries: dict[str, list[tuple[str, Any]]] = {}
    for name, entry in pairs:
        entries.setdefault(domain_key(str(name)), []).append((str(name), entry))
    return {key: found[0][1] if len(found) == 1 else several_entries(found) for key, found in entries.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaPlans:
    """The whole Variable, read once: `plans[domain]` is a sender domain's plan, or raises what is wrong with it."""

    #: Sender domain (`domain_key`) to its entry as it is written.
    entries: Mapping[str, Any]
    #: The same, checked.
    checked: Mapping[str, WarmupPlan | QuotaError]
    #: Why none of it can be used.
    problem: InvalidInput | None = None

    @classmethod
    def parse(cls, value: object) -> QuotaPlans:
        """Read the Variable's JSON text, or its object. Never raises: a mistake at one domain stops no other."""
        try:
            entries = parse_quota_variable(value)
        except InvalidInput as problem:
            return cls(entries={}, checked={}, problem=problem)
        return cls(entries=entries, checked={domain: _checked(domain, entry) for domain, entry in entries.items()})

    @property
    def any_reputation(self) -> bool:
        """Whether the reputation takes part in the plan of any domain."""
        return any(isinstance(one, WarmupPlan) and one.reputation is not None for one in self.checked.values())

    def __getitem__(self, domain: str) -> WarmupPlan:
        """The plan of a sender domain. Raises QuotaError naming the domain and the field, or `problem`."""
        if self.problem is not None:
            raise self.problem
        found = self.checked.get(domain)
        if found is None:
            raise QuotaError("quota_entry_missing", domain=domain)
        if isinstance(found, QuotaError):
            raise found
        return found


def _checked(domain: str, entry: object) -> WarmupPlan | QuotaError:
    try:
        return parse_plan(domain, entry)
    except QuotaError as problem:
        return problem


def parse_plan(domain: str, entry: object) -> WarmupPlan:
    """Check one entry of the Variable. Raises QuotaError naming the domain and the field."""
    if isinstance(entry, SeveralEntries):
        names = ", ".join(map(repr, entry.names))
        raise QuotaError("quota_entries_repeated", names=names, domain=domain)
    _refuse_no_domain(domain)
    if not isinstance(entry, Mapping):
        raise QuotaError("quota_entry_not_an_object", domain=domain)
    for key in entry.repeated() if isinstance(entry, RepeatedKeys) else ():
        raise QuotaError("quota_field_repeated", domain=domain, field=key)
    for key in entry:
        if key not in FIELDS:
            raise QuotaError("quota_field_unknown", fields=FIELDS, domain=domain, field=str(key))
    tz_name = entry.get("time_zone", "UTC")
    try:
        zone(tz_name)
    except InvalidInput:
        raise QuotaError("quota_time_zone_unknown", name=tz_name, domain=domain, field="time_zone") from None
    limit = entry.get("daily_limit")
    steps = plan_fields.steps(domain, entry.get("plan", "standard"))
    reputation = plan_fields.reputation(domain, entry)
    return WarmupPlan(
        domain=domain,
        steps=steps,
        started_on=str(entry.get("started_on")),
        started_at=plan_fields.started_at(domain, entry.get("started_on"), tz_name),
        time_zone=tz_name,
        daily_limit=None if limit is None else plan_fields.whole(domain, "daily_limit", limit),
        day_length=plan_fields.day_length(domain, entry.get("day_length", "PT24H")),
        reputation=None if reputation is None else ReputationPlan(**reputation),
        trigger_share=plan_fields.trigger_share(domain, entry.get("trigger_share")),
    )


def _refuse_no_domain(domain: str) -> None:
    """Raise QuotaError for a name that is no domain: mail would never be counted by that entry."""
    try:
        parse_domain(domain)
    except InvalidInput as problem:
        raise QuotaError("quota_domain_not_valid", problem=problem, domain=domain) from problem
