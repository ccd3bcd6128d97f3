"""The status of a send task, worked out from facts in the database; never stored, so it can not go stale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ses_ops.domain.schedule import TaskType


class TaskStatus(StrEnum):
    """The words of the reference console; `retrying` and `cancelled` are ours."""

    WAITING = "waiting"
    SENDING = "sending"
    #: Cached mail waits for quota, or a person paused the task.
    PAUSED = "paused"
    #: What goes on first was put off by the mail server, or the server was away.
    RETRYING = "retrying"
    ERROR = "error"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFacts:
    """What the status follows from. Counts are messages."""

    type: TaskType
    cancelled: bool
    paused_by_person: bool
    error: bool
    #: An occurrence has begun and has not finished.
    occurrence_open: bool
    #: An occurrence missed its start by more than the grace and waits for a person.
    occurrence_held: bool
    #: At least one occurrence has finished.
    occurrence_finished: bool
    in_progress: int
    cached: int
    #: A slot of the schedule is still to come.
    next_slot: bool
    #: Waits for its turn.
    queued: int = 0
    retrying: int = 0
    #: Of cached and put-off mail, what was put off goes on first.
    retry_first: bool = False


def task_status(facts: TaskFacts) -> TaskStatus:
    """The status of a task.

    Mail that moves wins over an old error; a person's pause wins over everything that is not final. A triggered task
    never ends: each trigger starts it anew. One that has ended is finished, whatever somebody did to it later.
    """
    if facts.cancelled and not _has_ended(facts):
        return TaskStatus.CANCELLED
    if facts.paused_by_person and not _has_ended(facts):
        return TaskStatus.PAUSED
    if facts.error:
        return TaskStatus.ERROR
    if facts.in_progress or facts.queued:
        return TaskStatus.SENDING
    if facts.cached or facts.retrying:
        return TaskStatus.RETRYING if facts.retry_first or not facts.cached else TaskStatus.PAUSED
    if facts.occurrence_open:
        return TaskStatus.SENDING
    if facts.occurrence_held or facts.next_slot or facts.type is TaskType.TRIGGERED:
        return TaskStatus.WAITING
    if facts.occurrence_finished:
        return TaskStatus.FINISHED
    return TaskStatus.FINISHED if facts.type is TaskType.RECURRING else TaskStatus.WAITING


def _has_ended(facts: TaskFacts) -> bool:
    once = facts.type in (TaskType.IMMEDIATE, TaskType.SCHEDULED)
    return once and facts.occurrence_finished and not (facts.occurrence_open or facts.occurrence_held)
