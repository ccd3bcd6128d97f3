"""Forecast of a send task, stored or not, by quota day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ses_ops.application.forecasts import forecast_with, queue_with, to_come
from ses_ops.application.quota_status import domain_quota
from ses_ops.console.database import SnapshotByKey
from ses_ops.console.quota_errors import wrong_with_entry, wrong_with_variable
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import InvalidInput, NotFound, QuotaError
from ses_ops.orchestration.connections import quota_plans
from ses_ops.storage.connection import database_now
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.console.quota_errors import Wrong
    from ses_ops.domain.forecast import Forecast, PendingMail

#: Seconds for which a page shows the same forecast.
AGE = 15.0
#: Most recipients of a next audience that are checked for suppression: a million take 0.6 s.
EXACT_UP_TO = 20_000
#: Statuses of tasks whose mail does not leave any more.
OVER = (TaskStatus.CANCELLED, TaskStatus.FINISHED)


@dataclass(frozen=True, kw_only=True)
class DayLine:
    """A quota day on which mail of the task leaves."""

    number: int
    starts_at: datetime
    ends_at: datetime
    #: Quota of the day, in messages.
    room: int
    #: Number of messages of other tasks that leave first.
    others: int
    count: int
    #: Number of messages of this task that have left at the end of the day.
    done: int


@dataclass(frozen=True, kw_only=True)
class LeavingDays:
    """The forecast of one task."""

    days: list[DayLine]
    #: Number of messages for which no day was found.
    left: int = 0
    #: Earliest time at which all of the mail can have left; None without known days.
    due_at: datetime | None = None
    #: Reason for which the days are not known.
    problem: Wrong | None = None
    #: Whether a raise of the domain's level may let the mail leave earlier.
    may_be_earlier: bool = False
    #: Whether the next audience counts the suppressed recipients too (a large group).
    with_suppressed: bool = False

    def shown(self, most: int) -> list[DayLine]:
        """The first days and the last day."""
        return self.days if len(self.days) <= most + 1 else [*self.days[:most], self.days[-1]]

    @property
    def last_leaves(self) -> tuple[datetime, datetime] | None:
        """The earliest and the latest time at which the last message leaves."""
        if not self.days or self.left:
            return None
        last = self.days[-1]
        return max(last.starts_at, self.due_at or last.starts_at), last.ends_at


def leaving_days(
    conn: Connection, name: str, domain: str, added: Sequence[PendingMail], *, now: datetime
) -> LeavingDays:
    """The days of a task's pending mail, and of its mail to come behind all pending mail of the domain."""
    plans = quota_plans()
    waiting = queue_with(conn, domain, added)
    try:
        plan = plans[domain]
    except (InvalidInput, QuotaError):
        wrong = wrong_with_variable(plans) or wrong_with_entry(plans, domain_quota(conn, plans, domain))
        return LeavingDays(days=[], problem=wrong)
    made = forecast_with(conn, plan, waiting, now=now)
    return LeavingDays(
        days=_lines(name, made),
        left=sum(count for task, count in made.remaining if task == name),
        may_be_earlier=made.may_be_earlier,
        due_at=max([now, *(part.due_at for part in waiting if part.task == name and part.due_at)]),
    )


def leaving_days_of(name: str, *, fresh: bool = False) -> LeavingDays | None:
    """The forecast of a stored task, at most AGE old; None when no mail of it is to leave."""
    return _SEEN.get(name, fresh=fresh)[0]


def _read(conn: Connection, name: str) -> tuple[LeavingDays | None]:
    found = list_tasks(conn, name=name)
    if not found:
        raise NotFound("send task", name)
    one, now = found[0], database_now(conn)
    if one.status in OVER:
        return (None,)
    added = to_come(conn, one, now, exact_up_to=EXACT_UP_TO)
    made = leaving_days(conn, name, one.sender_domain, added, now=now)
    if not (made.days or made.left or (made.problem and one.unsent_count)):
        return (None,)
    return (replace(made, with_suppressed=any(part.count > EXACT_UP_TO for part in added)),)


def _lines(name: str, made: Forecast) -> list[DayLine]:
    done, lines = 0, []
    for one in made.days:
        count = one.count(name)
        if count:
            done += count
            day = one.day
            lines.append(
                DayLine(
                    number=day.number,
                    starts_at=day.starts_at,
                    ends_at=day.ends_at,
                    room=one.room,
                    others=one.count() - count,
                    count=count,
                    done=done,
                )
            )
    return lines


#: The forecast in a tuple, since a snapshot takes None for "not read yet".
_SEEN: SnapshotByKey[str, tuple[LeavingDays | None]] = SnapshotByKey(_read, age=AGE)
