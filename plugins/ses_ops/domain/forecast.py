"""On which quota day each part of a sender domain's waiting mail will go out, if nothing else is added.

Follows the rules of reserving: mail that was cached first goes first, and mail has no claim on a day that ends before
it is due. What suppression takes away and what a server refuses is not known beforehand, so this is the latest day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ses_ops.domain.clock import END_OF_TIME, check_aware
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day

#: Quota days looked at; what is left then is reported as such.
MOST_DAYS = 3660


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Mail of one task that waits, in the order of service: what was cached first stands first."""

    task: str
    count: int
    #: It may not leave before (aware); None: at once.
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastDay:
    """What leaves on one quota day."""

    day: QuotaDay
    #: Messages that the day has room for.
    room: int
    #: (task, messages) in the order of service.
    parts: tuple[tuple[str, int], ...]

    def count(self, task: str | None = None) -> int:
        """Messages of one task on this day, or of all."""
        return sum(count for name, count in self.parts if task in (None, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """The days on which something leaves, and what is left after the last day that was looked at."""

    days: tuple[ForecastDay, ...]
    #: (task, messages) without a day.
    remaining: tuple[tuple[str, int], ...] = ()


def forecast(
    plan: WarmupPlan,
    waiting: Sequence[Waiting],
    *,
    now: datetime,
    left_today: int | None,
    rehearsal_began_at: datetime | None = None,
    most_days: int = MOST_DAYS,
) -> Forecast:
    """Deal the waiting mail out to the quota days from `now` on.

    `left_today` is what the day of `now` still has room for; None: all of it (also before the warm-up has begun).
    """
    queue = [(part, part.count) for part in waiting if part.count > 0]
    moment = max(check_aware(now), plan.started_at)
    room_today = left_today if moment == now else None
    days: list[ForecastDay] = []
    for _ in range(most_days):
        # Mail that is due at the end of time, by a row that somebody wrote by hand, has no day.
        if not queue or moment >= END_OF_TIME:
            break
        day = quota_day(plan, moment, rehearsal_began_at=rehearsal_began_at)
        room = day.allotment if room_today is None else max(0, room_today)
        room_today = None
        parts, queue = _serve(queue, day, room)
        if parts:
            days.append(ForecastDay(day=day, room=room, parts=tuple(parts)))
        moment = day.ends_at if parts else _next_moment(queue, day)
    return Forecast(days=tuple(days), remaining=tuple((part.task, count) for part, count in queue))


_Queue = list[tuple[Waiting, int]]


def _serve(queue: _Queue, day: QuotaDay, room: int) -> tuple[list[tuple[str, int]], _Queue]:
    parts, rest = [], []
    for place, (part, count) in enumerate(queue):
        if not room:
            rest.extend(queue[place:])
            break
        due = part.due_at is None or part.due_at < day.ends_at
        taken = min(count, room) if due else 0
        room -= taken
        if taken:
            parts.append((part.task, taken))
        if taken < count:
            rest.append((part, count - taken))
    return parts, rest


def _next_moment(queue: _Queue, day: QuotaDay) -> datetime:
    """The beginning of the next day that matters: days on which nothing is due yet are passed over."""
    moments = [part.due_at for part, _ in queue]
    dues = [due for due in moments if due is not None]
    return max(day.ends_at, min(dues)) if dues and len(dues) == len(moments) else day.ends_at
