"""The schedule of a send task: its slots, in the task's own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from ses_ops.domain.clock import (
    BEGINNING_OF_TIME,
    END_OF_TIME,
    WHOLE_OF_TIME,
    YEARS,
    check_aware,
    end_of_day,
    from_wall_clock,
    is_in_time,
    to_wall_clock,
    zone,
)
from ses_ops.domain.cron import check_cron, next_cron
from ses_ops.errors import Explanation, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class TaskType(StrEnum):
    """The kinds of send task (types 1 to 3 of the reference console; `triggered`, `test` and `api` are added)."""

    IMMEDIATE = "immediate"
    SCHEDULED = "scheduled"
    RECURRING = "recurring"
    TRIGGERED = "triggered"
    #: A test send: at most 20 addresses, never cached, without a DAG of its own.
    TEST = "test"
    #: Single messages of a sender domain, which programs ask for: one task a domain, in no list, without a DAG.
    API = "api"

    @property
    def listed(self) -> bool:
        """Whether a person made the task and finds it in lists; as the column `send_task.listed`."""
        return self not in (TaskType.TEST, TaskType.API)


_EVERY = re.compile(r"([1-9][0-9]*)\s*([hd])")
#: Number of digits of a count that are read: the longest span of time has seven digits of hours.
_MOST_DIGITS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Every:
    """A recurrence: `hours` are elapsed time, `days` keep the wall clock time of the start in the task's zone."""

    count: int
    unit: str  # "h" or "d"

    @classmethod
    def parse(cls, text: object, *, where: str | None = None) -> Every:
        """Read `24h` or `7d`; anything else raises InvalidInput."""
        found = _EVERY.fullmatch(str(text).strip())
        if not found:
            raise InvalidInput(
                "not_a_recurrence",
                value=text,
                where=where,
                field="every",
            )
        every = cls(count=int(found[1][: _MOST_DIGITS + 1]), unit=found[2])
        if every.step > WHOLE_OF_TIME:
            raise InvalidInput("span_too_long", value=text, first=YEARS[0], last=YEARS[-1], where=where, field="every")
        return every

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def step(self) -> timedelta:
        """The length of one step: elapsed time for hours, wall clock time for days."""
        return timedelta(hours=self.count) if self.unit == "h" else timedelta(days=self.count)

    @property
    def words(self) -> str:
        noun = "hour" if self.unit == "h" else "day"
        return f"every {noun}" if self.count == 1 else f"every {self.count} {noun}s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The slots of a send task. `start_at` and `until` are aware; a slot is at `until` at the latest."""

    type: TaskType
    time_zone: str
    start_at: datetime | None = None
    every: Every | None = None
    cron: str | None = None
    until: datetime | None = None
    #: Why no slot can be worked out, when the schedule was stored by an older version or by hand.
    problem: Explanation | None = None

    def __post_init__(self) -> None:
        for moment in (self.start_at, self.until):
            if moment is not None:
                check_aware(moment)

    def next_after(self, moment: datetime | None) -> datetime | None:
        """The first slot strictly after `moment` (None: the first of all) in UTC, or None when there is none.

        Never fails, whatever is stored: a schedule that cannot be worked out has no slots, and `problem` says why.
        """
        if self.problem or self.type is TaskType.TRIGGERED or not self.type.listed or self.start_at is None:
            return None
        if not BEGINNING_OF_TIME <= self.start_at < END_OF_TIME:
            return None
        start = self.start_at.astimezone(UTC)
        if self.type is not TaskType.RECURRING:
            return start if moment is None or moment < start else None
        # Every slot of a recurrence is at its start or later.
        floor = start - timedelta(microseconds=1) if moment is None or moment < start else moment
        if floor >= END_OF_TIME:
            return None
        slot = next_cron(self.cron, zone(self.time_zone), floor) if self.cron else self._next_every(start, floor)
        return None if slot is None or (self.until is not None and slot > self.until) else slot

    def has_slot(self, moment: datetime) -> bool:
        """Whether a moment is one of the slots, to the microsecond."""
        # The moment as a datetime of the standard library: Airflow's pendulum divides its intervals by its own only.
        moment = datetime.fromisoformat(check_aware(moment).isoformat())
        if not BEGINNING_OF_TIME <= moment <= END_OF_TIME:
            return False
        return self.next_after(moment - timedelta(microseconds=1)) == moment

    def slots(self, after: datetime | None = None) -> Iterator[datetime]:
        """All slots after a moment, in order; endless for a recurrence without an end."""
        slot = self.next_after(after)
        while slot is not None:
            yield slot
            slot = self.next_after(slot)

    def next_slots(self, count: int, after: datetime | None = None) -> list[datetime]:
        return list(islice(self.slots(after), count))

    def _next_every(self, start: datetime, floor: datetime) -> datetime | None:
        if floor < start:
            return start
        if self.every is None or self.every.step > WHOLE_OF_TIME:
            return None
        step = self.every.step
        if self.every.unit == "h":
            slot = start + ((floor - start) // step + 1) * step
        else:
            tz = zone(self.time_zone)
            first = to_wall_clock(start, tz)
            # The search begins one step early: a clock change moves a slot by a day at most, so that is one loop more.
            steps = max(0, (to_wall_clock(floor, tz) - first) // step - 1)
            while (slot := from_wall_clock(first + steps * step, tz)) <= floor:
                steps += 1
        return slot if slot < END_OF_TIME else None

    def describe(self) -> str:
        """The schedule in words, as Airflow's UI shows it."""
        if self.problem:
            return f"Cannot be worked out: {self.problem}"
        if self.type is TaskType.TRIGGERED:
            return "When triggered"
        if not self.type.listed or self.start_at is None:
            return "Once, at once"
        start = f"{to_wall_clock(self.start_at, zone(self.time_zone)):%Y-%m-%d %H:%M} {self.time_zone}"
        if self.type is TaskType.IMMEDIATE:
            return f"Once, at once (created {start})"
        if self.type is TaskType.SCHEDULED:
            return f"Once at {start}"
        rhythm = f"cron {self.cron}" if self.cron else self.every.words if self.every else ""
        words = f"{rhythm[0].upper()}{rhythm[1:]} from {start}"
        if self.until is not None:
            end = to_wall_clock(self.until, zone(self.time_zone))
            words += f" until the end of {self.last_day}" if self.last_day else f" until {end:%Y-%m-%d %H:%M}"
        return words

    @property
    def last_day(self) -> date | None:
        """The day that a person gave as the end, all of which is part of it; None for an end that is a moment."""
        tz = zone(self.time_zone)
        if self.until is None or not is_in_time(self.until, tz):
            return None
        day = to_wall_clock(self.until, tz).date()
        return day if self.until == end_of_day(day, tz) else None


def stored_schedule(
    task_type: TaskType,
    *,
    time_zone: str,
    start_at: datetime | None,
    every: str | None,
    cron: str | None,
    until: datetime | None,
) -> Schedule:
    """The schedule of a task as stored, by this version, by an earlier one, or by hand. Never fails.

    A value that cannot be read is left out and named in `problem`, so that no page, list or timetable fails by it.
    """
    complaints: list[Explanation] = []

    def read(check: Callable[[], T]) -> T | None:
        try:
            return check()
        except InvalidInput as problem:
            complaints.append(problem.explanation)
            return None

    tz = read(lambda: zone(time_zone))
    rhythm = read(lambda: Every.parse(every)) if every is not None else None
    checked = read(lambda: check_cron(cron)) if cron is not None else None
    if tz is not None and start_at is not None and not is_in_time(start_at, tz):
        complaints.append(
            Explanation("start_out_of_range", moment=f"{start_at:%Y-%m-%d %H:%M}", first=YEARS[0], last=YEARS[-1])
        )
    if task_type is TaskType.RECURRING and (every is None) == (cron is None):
        complaints.append(Explanation("every_or_cron"))
    return Schedule(
        type=task_type,
        time_zone="UTC" if tz is None else time_zone,
        start_at=start_at,
        every=rhythm,
        cron=checked,
        until=until,
        problem=complaints[0] if complaints else None,
    )
