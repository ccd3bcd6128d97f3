"""The send task list: one line a task with its status and counts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.schedule import Schedule, TaskType
from ses_ops.domain.send_task import stored_problem
from ses_ops.domain.task_status import TaskFacts, TaskStatus, task_status
from ses_ops.errors import Explanation
from ses_ops.storage.ledger.progress import MessageCounts
from ses_ops.storage.named_sql import fetch_all, statements
from ses_ops.storage.tasks.stored_task import schedule_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Number of coming start times that are shown.
NEXT_STARTS = 5
#: The time after a start without a run from which on Airflow will not make the run; it makes a run within seconds.
MISSED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class LatestStart(MessageCounts):
    """The newest start of a task that had several, by its number from 1."""

    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOverview(MessageCounts):
    """One line of the list."""

    id: int
    name: str
    type: TaskType
    status: TaskStatus
    #: When mail of this task leaves next by itself: the resume of cached mail, or the next slot.
    next_run_at: datetime | None
    #: Why the task does not send, in words; None while all is well.
    error: str | None
    sender: str
    sender_domain: str
    template: str
    subject: str | None
    group: str
    schedule: Schedule
    #: Why the task is paused, or its mail is cached.
    reason: str | None
    #: Whether the task is paused until a person resumes it.
    paused_by_person: bool
    #: Whether cached mail is due, and no run has taken it yet.
    is_due: bool
    #: The newest start; None for a task that had one start, or none.
    latest_start: LatestStart | None
    created_at: datetime
    updated_at: datetime
    #: Why nothing can be sent or started with the stored definition; None for a valid one.
    problem: str | None = None
    #: The first start without a run, which may have passed.
    next_slot: datetime | None = None
    #: When the task was deleted; None for an existing task.
    deleted_at: datetime | None = None

    def missed_start(self, now: datetime) -> datetime | None:
        """The start that has passed without a run in Airflow: the DAG is switched off, or has too many active runs."""
        if self.next_slot is None or self.status not in (
            TaskStatus.WAITING,
            TaskStatus.SENDING,
            TaskStatus.PAUSED,
            TaskStatus.RETRYING,
        ):
            return None
        # A resume or a change of a task gives Airflow the same time again.
        passed = now - max(self.next_slot, self.updated_at) > MISSED_AFTER
        return self.next_slot if passed and not self.paused_by_person else None

    @property
    def waits_for_quota(self) -> bool:
        """Whether the task waits only for quota, and continues by itself, so that a person need not resume it."""
        waits = self.status is TaskStatus.PAUSED and not self.paused_by_person and not self.retrying_count
        return waits and self.next_run_at is not None and not self.is_due

    @property
    def unsent_count(self) -> int:
        """Number of messages still to be sent: all pending ones, with those under way."""
        return self.cached_count + self.retrying_count + self.queued_count + self.in_progress_count

    def next_starts(self, now: datetime, count: int = NEXT_STARTS) -> list[datetime]:
        """The next start times of a task that recurs or has not begun; none for a cancelled task."""
        if self.type is TaskType.IMMEDIATE or self.status is TaskStatus.CANCELLED:
            return []
        return self.schedule.next_slots(count, now)


def list_tasks(
    conn: Connection, *, name: str | None = None, task_id: int | None = None, deleted: bool = False
) -> list[TaskOverview]:
    """All send tasks in the order of creation; with `name` only the task of that name.

    With `deleted` the deleted tasks, of which several can have had one name; with `task_id` the task of that id,
    deleted or not.
    """
    return [_overview(row) for row in _rows(conn, name=name, task_id=task_id, deleted=deleted)]


def _rows(conn: Connection, *, name: str | None, task_id: int | None, deleted: bool) -> list[dict[str, Any]]:
    return fetch_all(conn, _SQL["overview"], name=name, task_id=task_id, deleted=deleted)


class KeptOverviews:
    """`list_tasks` for repeated calls: a task whose row has not changed is not worked out again.

    Of a thousand tasks only those that send have other rows a second later, and to work out a row's next times costs
    four times as much as to read the row. The kept values are functions of the row alone, so they cannot be out of
    date.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[dict[str, Any], TaskOverview]] = {}

    def list_tasks(self, conn: Connection) -> list[TaskOverview]:
        """All send tasks in the order of creation."""
        before, self._kept = self._kept, {}
        for row in _rows(conn, name=None, task_id=None, deleted=False):
            known = before.get(row["id"])
            self._kept[row["id"]] = known if known is not None and known[0] == row else (row, _overview(row))
        return [overview for _, overview in self._kept.values()]


def _overview(row: Mapping[str, Any]) -> TaskOverview:
    schedule = schedule_of(row)
    next_slot = schedule.next_after(row["last_slot"])
    if row["last_slot"] is None and row["occurrences"]:
        next_slot = schedule.next_after(row["updated_at"]) if schedule.type is TaskType.RECURRING else None
    # A task that has had its only start needs no schedule any more.
    settled = schedule.type is not TaskType.RECURRING and bool(row["occurrences"])
    problem = None if settled else _problem(row, schedule)
    error = row["error"] or problem
    facts = TaskFacts(
        type=schedule.type,
        cancelled=row["cancelled_at"] is not None,
        paused_by_person=row["paused_at"] is not None,
        error=error is not None,
        occurrence_open=row["occurrence_open"],
        occurrence_held=row["held_reason"] is not None,
        occurrence_finished=row["occurrence_finished"],
        in_progress=row["in_progress_count"],
        queued=row["queued_count"],
        cached=row["cached_count"],
        retrying=row["retrying_count"],
        retry_first=row["next_standing"] == MessageStatus.RETRYING,
        next_slot=next_slot is not None,
    )
    status = task_status(facts)
    moments = [moment for moment in (row["next_try_at"], next_slot) if moment is not None]
    stopped = status in (TaskStatus.CANCELLED, TaskStatus.FINISHED)
    return TaskOverview(
        id=row["id"],
        name=row["name"],
        type=schedule.type,
        status=status,
        **{key: row[key] for key in _SAME},
        next_run_at=None if stopped or row["paused_at"] is not None or not moments else min(moments),
        error=None if status is TaskStatus.CANCELLED else error or row["held_reason"],
        schedule=schedule,
        problem=problem,
        next_slot=None if stopped else next_slot,
        paused_by_person=row["paused_at"] is not None and not stopped,
        is_due=row["is_due"] and not stopped,
        latest_start=LatestStart(**row["latest_start"]) if row["latest_start"] else None,
        reason=_reason(row, status),
    )


def _reason(row: Mapping[str, Any], status: TaskStatus) -> str | None:
    if status is TaskStatus.FINISHED:
        return None
    if status is TaskStatus.CANCELLED:
        return row["cancelled_reason"] or Explanation("task_is_cancelled").sentence
    return row["paused_reason"] or row["reason"] or row["held_reason"]


def _problem(row: Mapping[str, Any], schedule: Schedule) -> str | None:
    if schedule.problem is not None:
        return Explanation("schedule_not_usable", problem=schedule.problem).sentence
    found = stored_problem(sender=row["sender"], reply_to=row["reply_to"], advertisement=row["advertisement"])
    return None if found is None else Explanation("definition_not_usable", problem=found).sentence


_SAME = (
    *(field.name for field in fields(MessageCounts)),
    *("sender", "sender_domain", "template", "subject", "group", "created_at", "updated_at", "deleted_at"),
)
