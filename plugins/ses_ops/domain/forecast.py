"""The forecast of a sender domain's pending mail: how much leaves on which quota day.

The forecast follows the rules of `sending.reserve`: mail that was cached first goes first, and mail has no claim on a
quota day that ends before the mail is due. Suppressions and refusals are not known beforehand, so the days are the
latest ones, provided that no other mail is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ses_ops.domain.allowance import allowed
from ses_ops.domain.clock import END_OF_TIME, check_aware
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day

#: Largest number of quota days in a forecast; messages beyond the last day are reported as remaining.
MOST_DAYS = 3660


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingMail:
    """Pending mail of one task. A sequence of these is in the order of service: mail that was cached first is first."""

    task: str
    count: int
    #: The moment (aware) before which the mail may not leave; None: it may leave at once.
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastDay:
    """The messages that leave on one quota day."""

    day: QuotaDay
    #: Number of messages that the day has quota for.
    room: int
    #: (task, messages) in the order of service.
    parts: tuple[tuple[str, int], ...]

    def count(self, task: str | None = None) -> int:
        """Number of messages of one task, or of all tasks, on this day."""
        return sum(count for name, count in self.parts if task in (None, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """The days on which messages leave, and the messages that remain after the last day."""

    days: tuple[ForecastDay, ...]
    #: Whether a raise of the domain's level may let mail leave earlier. The days are those of the present level.
    may_be_earlier: bool = False
    #: (task, messages) without a day.
    remaining: tuple[tuple[str, int], ...] = ()


def forecast(
    plan: WarmupPlan,
    waiting: Sequence[PendingMail],
    *,
    now: datetime,
    left_today: int | None,
    rehearsal_began_at: datetime | None = None,
    reputation: ReputationState | None = None,
    most_days: int = MOST_DAYS,
) -> Forecast:
    """Distribute pending mail over the quota days from `now` on.

    `left_today` is the quota that is left on the day of `now`; None: its whole allotment (also before the warm-up has
    begun), but for the share of single messages. `reputation` is that of the domain; its level is taken to stay.
    """
    queue = [(part, part.count) for part in waiting if part.count > 0]
    moment = max(check_aware(now), plan.started_at)
    room_today = left_today if moment == now else None
    days: list[ForecastDay] = []
    for _ in range(most_days):
        # A row written by hand may say that mail is due at the end of time: such mail has no day.
        if not queue or moment >= END_OF_TIME:
            break
        day = quota_day(plan, moment, rehearsal_began_at=rehearsal_began_at)
        allowance = allowed(plan, day, reputation, now=moment)
        day = replace(day, allotment=allowance.unblocked)
        whole = allowance.quota - plan.set_aside(allowance.quota)
        room = whole if room_today is None else max(0, room_today)
        room_today = None
        parts, queue = _serve(queue, day, room)
        if parts:
            days.append(ForecastDay(day=day, room=room, parts=tuple(parts)))
        moment = day.ends_at if parts else _next_moment(queue, day)
    later = bool(queue) or any(one.day.starts_at > now for one in days)
    return Forecast(
        days=tuple(days),
        may_be_earlier=later and plan.reputation is not None and not plan.reputation.shadow,
        remaining=tuple((part.task, count) for part, count in queue),
    )


_Queue = list[tuple[PendingMail, int]]


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
    """The beginning of the next day to look at: days on which no mail is due yet are skipped."""
    moments = [part.due_at for part, _ in queue]
    dues = [due for due in moments if due is not None]
    return max(day.ends_at, min(dues)) if dues and len(dues) == len(moments) else day.ends_at
