"""Cron expressions of five POSIX fields, on a wall clock with clock changes.

The extensions of croniter are refused: `R` gives another time at every call, `H` needs a seed, and `L`, `W`, `#`, `?`
and a sixth field mean different things in different programs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ses_ops.domain.clock import BEGINNING_OF_TIME, END_OF_TIME, from_wall_clock, to_wall_clock
from ses_ops.errors import Explanation, InvalidInput

if TYPE_CHECKING:
    from croniter import croniter

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: Nicknames of whole expressions, which cron programs know and POSIX does not.
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
#: The longest span by which a clock change ever moved a clock: a whole day, at the date line.
_LONGEST_SHIFT = timedelta(hours=25)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """One of the five fields: its name, its smallest and largest number, and the names of the numbers."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def fault(self, text: str) -> Explanation | None:
        """The fault of the field's text, in words; None for a good text."""
        return next((found for part in text.split(",") if (found := self._fault_of(part))), None)

    def _fault_of(self, part: str) -> Explanation | None:
        span, slash, step = part.partition("/")
        first, hyphen, last = span.partition("-")
        low = self.least if first == "*" else self._number(first)
        high = self._number(last) if hyphen else self.most if first == "*" else low
        high = 7 if hyphen and last.lower() == _DAYS[0] and self.names is _DAYS else high
        if low is None or high is None or (first == "*" and hyphen):
            return self._impossible(part)
        if low > high:
            two = f"{low}-{self.most},{self.least}-{high}"
            return Explanation("cron_range_backwards", kind=self.name, part=part, two=two)
        if slash and not self._is_step(step):
            return Explanation("cron_step_not_valid", kind=self.name, part=part, most=self.most)
        if slash and not (hyphen or first == "*"):
            other = f"{first}-{self.most}/{step}"
            return Explanation("cron_step_without_range", kind=self.name, part=part, other=other)
        return None

    def _impossible(self, part: str) -> Explanation:
        span = {"kind": self.name, "part": part, "least": self.least, "most": self.most}
        if self.names:
            return Explanation("cron_value_not_valid_named", **span, name=self.names[1].upper())
        return Explanation("cron_value_not_valid", **span)

    def _number(self, text: str) -> int | None:
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.least
        if not re.fullmatch(r"[0-9]{1,2}", text):
            return None
        return int(text) if self.least <= int(text) <= self.most else None

    def _is_step(self, text: str) -> bool:
        return re.fullmatch(r"[0-9]{1,2}", text) is not None and 1 <= int(text) <= self.most


_FIELDS = (
    _Field(name="minute", least=0, most=59),
    _Field(name="hour", least=0, most=23),
    _Field(name="day of the month", least=1, most=31),
    _Field(name="month", least=1, most=12, names=_MONTHS),
    # Sunday is 0 and 7.
    _Field(name="weekday", least=0, most=7, names=_DAYS),
)


def check_cron(expression: object, *, where: str | None = None) -> str:
    """Return a cron expression of five POSIX fields, with single spaces; raises InvalidInput for anything else."""
    text = " ".join(str(expression).split())

    def _error(code: str, **facts: object) -> InvalidInput:
        return InvalidInput(code, where=where, field="cron", **facts)

    parts = text.split(" ")
    if nickname := _NICKNAMES.get(text.lower()):
        raise _error("cron_nickname", value=text, other=nickname)
    if len(parts) != len(_FIELDS):
        raise _error("not_a_cron_expression", value=text)
    for field, part in zip(_FIELDS, parts, strict=True):
        if why := field.fault(part):
            raise _error("cron_field_not_valid", value=text, why=why)
    if not _happens(text):
        raise _error("cron_never_happens", value=text)
    return text


@lru_cache(maxsize=1024)
def _happens(text: str) -> bool:
    """Whether an expression has a slot at all. Kept, because a stored one is checked whenever its row is read."""
    # Not above: few tasks have a cron expression, and its import takes 20 ms of every command.
    from croniter import CroniterError, croniter

    try:
        croniter(text, datetime(2024, 1, 1)).get_next(datetime)  # noqa: DTZ001 - only asks whether a slot exists
    except (CroniterError, ValueError, KeyError):
        return False
    return True


def next_cron(expression: str, tz: ZoneInfo, moment: datetime) -> datetime | None:
    """The first slot of a checked expression strictly after an aware moment, in UTC; None at the end of time.

    Where every hour has slots, the slots follow elapsed time, as in Airflow's own cron: an hour that comes twice has
    its slots twice, and a skipped hour has none. Other slots are appointments: a skipped slot happens later by the
    length of the gap, and of a slot that comes twice the first counts (RFC 5545, section 3.3.5).
    """
    from croniter import CroniterError, croniter

    if moment >= END_OF_TIME:
        return None
    moment = max(moment, BEGINNING_OF_TIME).astimezone(UTC)
    clock = croniter(expression, datetime(2024, 1, 1))  # noqa: DTZ001 - where it stands is set below
    # In croniter's expanded form 0-23 and */1 are * as well.
    find = _next_hourly if clock.expanded[1] == ["*"] else _next_appointment
    try:
        slot = find(_Clock(clock, tz), moment)
    except CroniterError:
        return None
    return slot if slot < END_OF_TIME else None


@dataclass(frozen=True, slots=True)
class _Clock:
    """A cron expression on the wall clock of a zone."""

    cron: croniter
    tz: ZoneInfo

    def following(self, wall: datetime) -> datetime:
        """The first time after `wall` that the expression matches, whether or not the clock ever shows it."""
        found: datetime = self.cron.get_next(datetime, start_time=wall)
        return found

    def wall(self, moment: datetime) -> datetime:
        return to_wall_clock(moment, self.tz)

    def offset(self, moment: datetime) -> timedelta:
        return self.wall(moment) - moment.replace(tzinfo=None)

    def changes_between(self, earlier: datetime, later: datetime) -> bool:
        return self.offset(earlier) != self.offset(later)


def _next_appointment(clock: _Clock, moment: datetime) -> datetime:
    # Behind a clock change the search begins early: a slot in a skipped hour happens later than it is written.
    early = _LONGEST_SHIFT if clock.changes_between(moment - _LONGEST_SHIFT, moment) else timedelta()
    wall = clock.following(clock.wall(moment) - early)
    while (slot := from_wall_clock(wall, clock.tz)) <= moment:
        wall = clock.following(wall)
    # A slot that a gap has moved may come after slots that are written later and happen sooner.
    while wall < (happens := clock.wall(slot)) and (wall := clock.following(wall)) < happens:
        other = from_wall_clock(wall, clock.tz)
        slot = other if moment < other < slot else slot
    return slot


def _next_hourly(clock: _Clock, moment: datetime) -> datetime:
    # Shortly behind a clock change the step over the change decides which slots there are, so that step is repeated.
    behind_change = clock.changes_between(moment - _HOUR, moment)
    slot = _hourly_step(clock, moment - 2 * _HOUR if behind_change else moment)
    while slot <= moment:
        slot = _hourly_step(clock, slot)
    return slot


def _hourly_step(clock: _Clock, moment: datetime) -> datetime:
    """The slot after a slot: later by the difference on the wall clock, as if the clock did not change until then.

    Over a clock change of whole hours the new clock has a slot there as well; over a change of half an hour the
    distance is kept. Where that slot falls on another day than the expression names, it is worked out on the new clock.
    """
    while True:
        wall = clock.wall(moment)
        ahead = clock.following(wall) - wall
        slot = moment + ahead
        if not clock.changes_between(moment, slot):
            return slot
        if ahead <= _HOUR and _is_on_its_day(clock, slot):
            return slot
        change = _first_change(clock, moment, slot)
        # The search begins one second early, because the moment of the change can be a slot.
        wall = clock.wall(change) - timedelta(seconds=1)
        slot = change + (clock.following(wall) - clock.wall(change))
        if not clock.changes_between(change, slot):
            return slot
        moment = change


def _is_on_its_day(clock: _Clock, slot: datetime) -> bool:
    from croniter import croniter

    days = " ".join(["*", "*", *clock.cron.expressions[2:5]])
    return bool(croniter.match(days, clock.wall(slot)))


def _first_change(clock: _Clock, earlier: datetime, later: datetime) -> datetime:
    """The first moment between two, to the second, at which the clock's offset differs from that at the earlier one."""
    week = timedelta(days=7)
    earlier = earlier.replace(microsecond=0)
    while later - earlier > week and not clock.changes_between(earlier, earlier + week):
        earlier += week
    later = min(later, earlier + week)
    while later - earlier > timedelta(seconds=1):
        middle = earlier + timedelta(seconds=(later - earlier) // timedelta(seconds=2))
        if clock.changes_between(earlier, middle):
            later = middle
        else:
            earlier = middle
    return later
