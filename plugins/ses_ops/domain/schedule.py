"""When a send task starts: the slots of its schedule, in its own time zone, right across clock changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from ses_ops.domain.clock_rules import check_aware, from_wall_clock, to_wall_clock, zone
from ses_ops.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator


class TaskType(StrEnum):
    """The kinds of send task (reference: types 1 to 3; `triggered` is ours)."""

    IMMEDIATE = "immediate"
    SCHEDULED = "scheduled"
    RECURRING = "recurring"
    TRIGGERED = "triggered"
    #: A test send: at most 20 addresses, never cached. It has no DAG of its own.
    TEST = "test"


#: A recurrence shorter than this could not be told from a mistake, and Airflow needs seconds for each run.
SHORTEST_CRON_GAP = timedelta(minutes=1)

_EVERY = re.compile(r"([1-9]\d{0,4})\s*([hd])")


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
                f"{text!r} is not a recurrence: write whole hours or days, such as 24h or 7d",
                where=where,
                field="every",
            )
        return cls(count=int(found[1]), unit=found[2])

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def words(self) -> str:
        noun = "hour" if self.unit == "h" else "day"
        return f"every {noun}" if self.count == 1 else f"every {self.count} {noun}s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The slots of a send task. `start_at` and `until` are aware; `until` is the last moment a slot may have."""

    type: TaskType
    time_zone: str
    start_at: datetime | None = None
    every: Every | None = None
    cron: str | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.start_at, self.until):
            if moment is not None:
                check_aware(moment)

    def next_after(self, moment: datetime | None) -> datetime | None:
        """The first slot strictly after `moment` (None: the first of all) in UTC, or None when there is none."""
        if self.type in (TaskType.TRIGGERED, TaskType.TEST) or self.start_at is None:
            return None
        start = self.start_at.astimezone(UTC)
        if self.type is not TaskType.RECURRING:
            return start if moment is None or moment < start else None
        slot = self._first_cron(start, moment) if self.cron else self._next_every(start, moment)
        return None if self.until is not None and slot > self.until else slot

    def has_slot(self, moment: datetime) -> bool:
        """Whether a moment is one of the slots, to the microsecond."""
        # As the standard library's: Airflow's pendulum divides its intervals by its own only.
        moment = datetime.fromisoformat(check_aware(moment).astimezone(UTC).isoformat())
        return self.next_after(moment - timedelta(microseconds=1)) == moment

    def slots(self, after: datetime | None = None) -> Iterator[datetime]:
        """All slots after a moment, in order; endless for a recurrence without an end."""
        slot = self.next_after(after)
        while slot is not None:
            yield slot
            slot = self.next_after(slot)

    def next_slots(self, count: int, after: datetime | None = None) -> list[datetime]:
        return list(islice(self.slots(after), count))

    def _next_every(self, start: datetime, moment: datetime | None) -> datetime:
        if moment is None or moment < start:
            return start
        assert self.every is not None
        if self.every.unit == "h":
            step = timedelta(hours=self.every.count)
            return start + ((moment - start) // step + 1) * step
        tz = zone(self.time_zone)
        first = to_wall_clock(start, tz)
        # One step early: a clock change moves a slot by an hour at most, so the loop runs once or twice.
        steps = max(0, (to_wall_clock(moment, tz) - first).days // self.every.count - 1)
        while (slot := from_wall_clock(first + timedelta(days=steps * self.every.count), tz)) <= moment:
            steps += 1
        return slot

    def _first_cron(self, start: datetime, moment: datetime | None) -> datetime:
        # Not above: few tasks have a cron expression, and its import takes 20 ms of every command.
        from croniter import croniter

        tz = zone(self.time_zone)
        floor = start - timedelta(microseconds=1) if moment is None or moment < start else moment
        # Some minutes early in wall clock time, because a slot in a skipped hour happens later than it is written.
        clock = croniter(self.cron, to_wall_clock(floor, tz) - timedelta(hours=3))
        while (slot := from_wall_clock(wall := clock.get_next(datetime), tz)) <= floor:
            pass
        # A slot that was put off by a skipped time may have passed others that are written later and happen sooner.
        while wall < (happens := to_wall_clock(slot, tz)) and (wall := clock.get_next(datetime)) < happens:
            other = from_wall_clock(wall, tz)
            slot = other if floor < other < slot else slot
        return slot

    def describe(self) -> str:
        """The schedule in words, as Airflow's UI shows it."""
        if self.type is TaskType.TRIGGERED:
            return "When triggered"
        if self.start_at is None:
            return "Once, at once"
        start = f"{to_wall_clock(self.start_at, zone(self.time_zone)):%Y-%m-%d %H:%M} {self.time_zone}"
        if self.type is TaskType.IMMEDIATE:
            return f"Once, at once (created {start})"
        if self.type is TaskType.SCHEDULED:
            return f"Once at {start}"
        rhythm = f"cron {self.cron}" if self.cron else self.every.words if self.every else ""
        words = f"{rhythm[0].upper()}{rhythm[1:]} from {start}"
        if self.until is not None:
            words += f" until {to_wall_clock(self.until, zone(self.time_zone)):%Y-%m-%d %H:%M}"
        return words


def check_cron(expression: object, *, where: str | None = None) -> str:
    """Return a five-field cron expression; raises InvalidInput for anything else."""
    from croniter import croniter

    text = " ".join(str(expression).split())
    if len(text.split(" ")) != 5 or not croniter.is_valid(text):
        raise InvalidInput(
            f"{text!r} is not a cron expression of five fields, such as '0 9 * * MON'", where=where, field="cron"
        )
    try:
        croniter(text, datetime(2024, 1, 1)).get_next(datetime)  # noqa: DTZ001 - only asks whether a slot exists
    except (ValueError, KeyError):
        raise InvalidInput(f"{text!r} never happens", where=where, field="cron") from None
    return text
