"""Send tasks that a program writes and runs, and where such a run stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ses_ops.application import task_definitions
from ses_ops.domain.occurrence import ONCE
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import Conflict, Explanation, InvalidInput
from ses_ops.storage.connection import KeyTaken
from ses_ops.storage.ledger.progress import LedgerScope, MessageCounts, occurrences
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.application.task_definitions import AppliedDefinitions
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.ledger.progress import OccurrenceProgress
    from ses_ops.storage.tasks.overview import TaskOverview


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStanding:
    """Where the mail of one run of a task stands."""

    #: The start of the task that the run made; None: not yet.
    start: OccurrenceProgress | None
    #: Whether every message has its outcome.
    finished: bool
    #: Why the mail does not go on before a person acts; None while it does, or while a person has paused it.
    problem: str | None

    @property
    def counts(self) -> dict[str, Any]:
        """The counts of the start, as JSON values."""
        if self.start is None:
            return {}
        names = MessageCounts.__dataclass_fields__
        return {"start": self.start.number, **{name: one for name, one in asdict(self.start).items() if name in names}}


def write_task(
    conn: Connection,
    actor: Actor,
    task: SendTask,
    *,
    now: datetime,
    where: str,
    templates_root: Path,
    check: Callable[[SendTask | None], None] = lambda _: None,
) -> AppliedDefinitions:
    """Create or change a task, as `ses task apply` does; the same definition again changes nothing.

    `check` may refuse the change of a task as it is (None: there is none) by an error; nobody changes it meanwhile. The
    roles of a task are given by people: a definition names those that the task has, or none. Raises InvalidInput
    for other ones, and what `task_definitions.apply_definition` raises.
    """
    before = task_definitions.stored(conn, task.name)
    roles = () if before is None else before.roles
    if task.roles and task.roles != roles:
        raise InvalidInput("roles_by_people_only", where=where or None, field="roles")
    wanted = replace(task, roles=roles)

    def write() -> Mapping[str, send_tasks.Applied]:
        send_tasks.lock_row_if_any(conn, task.name)
        current = task_definitions.stored(conn, task.name)
        check(current)
        applied = task_definitions.apply_definition(
            conn, wanted, now=now, where=where, templates_root=templates_root, by=actor.name
        )
        if current is None and applied is not send_tasks.Applied.CREATED:  # somebody else was faster
            check(wanted)
        return {task.name: applied}

    try:
        return task_definitions.apply(conn, actor, {task.name: wanted}, write)
    except KeyTaken as cause:  # another transaction created the task in this moment
        raise Conflict("task_changed_meanwhile", name=task.name) from cause


def run_standing(conn: Connection, task_id: int, run_id: str | None) -> RunStanding:
    """Where the mail of a run stands. `run_id` is None for a task that starts once and by itself."""
    overview = next(iter(list_tasks(conn, task_id=task_id)), None)
    scope = LedgerScope(task_id=task_id, run_id=run_id)
    key = ONCE if run_id is None else f"run {run_id}"
    start = next((one for one in occurrences(conn, scope, limit=100) if one.key == key), None)
    finished = start is not None and start.finished_at is not None
    return RunStanding(start=start, finished=finished, problem=None if finished else _problem(overview, start))


def _problem(task: TaskOverview | None, start: OccurrenceProgress | None) -> str | None:
    if task is None or task.deleted_at is not None:
        return Explanation("task_was_deleted").sentence
    if task.status is TaskStatus.CANCELLED:
        return task.reason
    if task.error is not None:
        return task.error
    return start.held_reason if start is not None and start.frozen_at is None else None


def starts_by_itself(task: SendTask) -> bool:
    """Whether a task has one start, which Airflow makes from its schedule."""
    return task.type in (TaskType.IMMEDIATE, TaskType.SCHEDULED)
