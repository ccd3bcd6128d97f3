"""What a send task will do, before it is made: to how many, when, on which days, and what they will read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_time

from ses_ops import settings
from ses_ops.console.quota_words import wrong_with_entry, wrong_with_variable
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.warmup import plan_for
from ses_ops.errors import QuotaError
from ses_ops.operators import airflow_control
from ses_ops.sending.domain_quota import domain_quota, read_quota_variable
from ses_ops.sending.task_content import FirstMessage, first_message
from ses_ops.sending.task_forecast import first_occurrence, forecast_with
from ses_ops.storage import quota_overview, recipients
from ses_ops.storage.overview import NEXT_STARTS

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language
    from ses_ops.console.quota_words import Wrong
    from ses_ops.domain.forecast import Forecast, Waiting
    from ses_ops.domain.schedule import Schedule
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.overview import TaskOverview
    from ses_ops.storage.recipients import RecipientGroup

#: Days of a forecast that are shown before the last one.
MOST_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class DayLine:
    """A quota day on which something of the task leaves."""

    number: int
    starts_at: datetime
    ends_at: datetime
    #: Messages that the day has room for.
    room: int
    #: Messages of other tasks, which go first.
    others: int
    count: int
    #: Messages of this task until the end of the day.
    done: int


@dataclass(frozen=True, kw_only=True)
class Review:
    """Everything that the page shows."""

    task: SendTask
    schedule: Schedule
    group: RecipientGroup
    suppressed: int
    starts: list[datetime]
    #: When the mail of the next occurrence may begin to leave.
    due_at: datetime | None
    #: Whether that is as soon as the task exists.
    at_once: bool
    days: list[DayLine]
    #: Messages for which no day was found.
    left: int
    #: Why nothing can be said of the days.
    quota_problem: Wrong | None
    message: FirstMessage

    @property
    def count(self) -> int:
        """Recipients who get the mail, as things are now."""
        return self.group.recipient_count - self.suppressed

    @property
    def shown_days(self) -> list[DayLine]:
        """The first days and the last one."""
        return self.days if len(self.days) <= MOST_DAYS + 1 else [*self.days[:MOST_DAYS], self.days[-1]]

    @property
    def hidden_days(self) -> int:
        """Days between them."""
        return len(self.days) - len(self.shown_days)

    @property
    def last_leaves(self) -> tuple[datetime, datetime] | None:
        """Between when the last message leaves."""
        if not self.days or self.left:
            return None
        last = self.days[-1]
        return max(last.starts_at, self.due_at or last.starts_at), last.ends_at


def review(conn: Connection, task: SendTask, *, current: TaskOverview | None = None) -> Review:
    """Look ahead for a definition that has been checked; `current` is the task that it would change."""
    now = quota_overview.database_now(conn)
    schedule = _with_start(task.schedule, current.created_at if current else now)
    group = recipients.find_group(conn, task.group)
    begun = current is not None and current.request_count > 0
    added = first_occurrence(conn, name=task.name, group=task.group, schedule=schedule, begun=begun, now=now)
    # The occurrence to come has counted the suppressed already.
    suppressed = group.recipient_count - added[0].count if added else recipients.suppressed_count(conn, group.id)
    days, left, problem = _days(conn, task, added, now)
    due_at = added[0].due_at if added else None
    return Review(
        task=task,
        schedule=schedule,
        group=group,
        suppressed=suppressed,
        starts=schedule.next_slots(NEXT_STARTS, now) if task.type is not TaskType.IMMEDIATE else [],
        due_at=due_at,
        at_once=due_at is not None and due_at <= now,
        days=days,
        left=left,
        quota_problem=problem,
        message=first_message(conn, task, settings.templates_root()),
    )


def wall_clock(words: Language, moment: datetime, time_zone: str) -> str:
    """A start time with its weekday, in a zone: `Tue, Dec 1, 2026, 9:00 AM`."""
    local = moment.astimezone(ZoneInfo(time_zone))
    day = format_skeleton("yMMMEd", local, locale=words.code)
    return f"{day} {format_time(local, 'short', locale=words.code)}"


def _with_start(schedule: Schedule, start: datetime) -> Schedule:
    needs_one = schedule.start_at is None and schedule.type in (TaskType.IMMEDIATE, TaskType.RECURRING)
    return replace(schedule, start_at=start) if needs_one else schedule


def _days(
    conn: Connection, task: SendTask, added: list[Waiting], now: datetime
) -> tuple[list[DayLine], int, Wrong | None]:
    variable = read_quota_variable(airflow_control.read_quota_variable())
    domain = task.sender_domain
    try:
        plan = plan_for(variable.entries, domain)
    except QuotaError:
        wrong = wrong_with_variable(variable) or wrong_with_entry(variable, domain_quota(conn, variable, domain))
        return [], 0, wrong
    made = forecast_with(conn, plan, added, now=now)
    left = sum(count for name, count in made.remaining if name == task.name)
    return _lines(task.name, made), left, None


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


def starts_in(words: Language, found: Review) -> list[tuple[str, str]]:
    """The next start times, each in the task's zone and in UTC."""
    zone = found.task.schedule.time_zone
    return [(wall_clock(words, start, zone), wall_clock(words, start, "UTC")) for start in found.starts]
