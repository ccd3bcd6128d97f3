"""The occurrence that a DAG run works for, and whether the run may start it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ses_ops.domain.clock import check_aware, to_wall_clock, zone
from ses_ops.domain.schedule import Schedule, TaskType
from ses_ops.errors import Explanation

#: The key of the one occurrence of an immediate, scheduled or test task.
ONCE = "once"

#: The parameter of the trigger form that mails everybody once more.
SEND_AGAIN = "send_to_whole_group_again"
#: What the id of a run begins with that only sends what is cached.
RESUME_RUN_PREFIX = "resume__"


class RunKind(StrEnum):
    """The origin of a DAG run."""

    #: A slot of the schedule came.
    SCHEDULED = "scheduled"
    #: A person, the REST API or another DAG triggered the run.
    TRIGGERED = "triggered"
    #: ses-ops triggered the run to send cached mail.
    RESUME = "resume"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One DAG run of a send task: the facts that sending needs."""

    task_name: str
    run_id: str
    kind: RunKind
    #: The slot of the schedule (aware); None for a run without one.
    logical_at: datetime | None = None
    #: The explicit choice to send to the whole group once more.
    send_again: bool = False
    #: The id of the task that the run was made for, if the run's configuration has it.
    made_for: int | None = None
    #: The earliest moment for the run to begin; by default the moment at which the run was made.
    run_after: datetime | None = None

    def __post_init__(self) -> None:
        if self.logical_at is not None:
            check_aware(self.logical_at, "logical_at")
        if self.run_after is not None:
            check_aware(self.run_after, "run_after")


def occurrence_key(task_type: TaskType, run: Run) -> str | None:
    """The key of the occurrence that this run starts or continues; None when the run only sends cached mail.

    The key is unique within a task, so a DAG run that was deleted and is run again finds its mail already sent.
    """
    if run.kind is RunKind.RESUME:
        return None
    if run.send_again or task_type is TaskType.TRIGGERED:
        return f"run {run.run_id}"
    if task_type is not TaskType.RECURRING:
        return ONCE
    if run.kind is RunKind.SCHEDULED and run.logical_at is not None:
        return f"slot {run.logical_at.astimezone(UTC).isoformat()}"
    return None


def not_to_start(schedule: Schedule, run: Run) -> Explanation | None:
    """Why a scheduled run must not start an occurrence; None when it may.

    A reason is that the schedule has changed since, or that the run belongs to an earlier task of the same name. Any
    scheduled run that was made after an immediate task was created starts that task.
    """
    if run.kind is not RunKind.SCHEDULED or run.logical_at is None:
        return None
    if schedule.type is TaskType.IMMEDIATE and schedule.start_at is not None:
        is_its_own = run.logical_at >= schedule.start_at
    else:
        is_its_own = schedule.has_slot(run.logical_at)
    if is_its_own:
        return None
    slot = f"{run.logical_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return Explanation("no_start_any_more", moment=slot)


def of_earlier_task(run: Run, *, task_id: int, created_at: datetime) -> Explanation | None:
    """Why a triggered run must send nothing; None when it may.

    The reason is that the run was made for a deleted task that had the name of this task. Scheduled runs are judged by
    `not_to_start`, and a resume sends only mail of this task that is cached and due.
    """
    if run.kind is not RunKind.TRIGGERED:
        return None
    if run.made_for is not None:
        is_its_own = run.made_for == task_id
    else:
        is_its_own = run.run_after is None or run.run_after >= created_at
    if is_its_own:
        return None
    return Explanation("run_of_earlier_task")


def started_before_restore(run: Run, *, until: datetime | None) -> Explanation | None:
    """Why a run must wait for a person whose start a restored ledger may have lost; None when it may start.

    `until` is the moment up to which the system of the backup may have sent. The slot of a scheduled run came by then,
    or the run of a person's trigger was made by then: Airflow's own database may have been restored, too. A trigger
    after it is that person's decision.
    """
    if until is None or run.kind is RunKind.RESUME:
        return None
    moment = run.logical_at if run.kind is RunKind.SCHEDULED else run.run_after
    if moment is None or moment > until:
        return None
    return Explanation("started_before_restore", until=f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def missed_start(
    *, task: str, slot: datetime, now: datetime, grace: timedelta, time_zone: str = "UTC"
) -> Explanation | None:
    """Why a late start must wait for a person; None when it may start. Times are in the task's own zone."""
    late = check_aware(now) - check_aware(slot)
    if late <= grace:
        return None
    shown = f"{to_wall_clock(slot, zone(time_zone)):%Y-%m-%d %H:%M}"
    return Explanation("start_missed", task=task, moment=shown, zone=time_zone, late=spell(late), grace=spell(grace))


def spell(span: timedelta) -> str:
    """A duration in at most two units: `3 h 12 min`."""
    seconds = int(span.total_seconds())
    units = [("d", 86400), ("h", 3600), ("min", 60), ("s", 1)]
    parts: list[str] = []
    for unit, size in units:
        if seconds >= size or (unit == "s" and not parts):
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2])


def resume_run_id(due_at: datetime) -> str:
    """The deterministic id of the run that resumes at `due_at`: triggering it twice makes one run."""
    return f"{RESUME_RUN_PREFIX}{check_aware(due_at).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def resume_time(run_id: str) -> datetime | None:
    """The moment in the id of a resume run; None for any other id."""
    if not run_id.startswith(RESUME_RUN_PREFIX):
        return None
    try:
        return datetime.strptime(run_id.removeprefix(RESUME_RUN_PREFIX), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def decision_run(kind: RunKind | None, now: datetime) -> tuple[str, dict[str, bool]]:
    """The id and the configuration of the run for a person's decision at `now`.

    Every run but a start that a person asked for is a resume: a resume sends only cached mail, so that no recipient
    gets a mail that was not asked for.
    """
    if kind is RunKind.TRIGGERED:
        return f"manual__{now:%Y-%m-%dT%H:%M:%S.%fZ}", {}
    return resume_run_id(now), {"resume": True}
