"""The status of a send task, worked out from facts in the database.

The status is never stored, so it can never be out of date.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ses_ops.domain.schedule import TaskType


class TaskStatus(StrEnum):
    """The statuses of the reference console, and `retrying` and `cancelled`."""

    WAITING = "waiting"
    SENDING = "sending"
    #: Cached mail waits for quota, or a person paused the task.
    PAUSED = "paused"
    #: The mail that continues first was deferred by the mail server, or the server could not be reached.
    RETRYING = "retrying"
    ERROR = "error"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFacts:
    """The facts that the status follows from. Counts are numbers of messages."""

    type: TaskType
    cancelled: bool
    paused_by_person: bool
    error: bool
    #: An occurrence has begun and has not finished.
    occurrence_open: bool
    #: An occurrence missed its start by more than `start_grace` and waits for a person.
    occurrence_held: bool
    #: At least one occurrence has finished.
    occurrence_finished: bool
    in_progress: int
    cached: int
    #: A slot of the schedule is still to come.
    next_slot: bool
    #: Messages that wait for a reservation, or for a sender.
    queued: int = 0
    retrying: int = 0
    #: Of cached and deferred mail, the deferred mail continues first.
    retry_first: bool = False


def task_status(facts: TaskFacts) -> TaskStatus:
    """The status of a task.

    A person's pause or cancellation wins over everything but the end of the task. A triggered task never ends: each
    trigger starts it again. A task that has ended stays finished, whatever was done to it later.
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
