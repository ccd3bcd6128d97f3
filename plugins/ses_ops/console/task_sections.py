"""The sections of the overview and their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote as urlquote

from ses_ops.console.charts.progress_bar import Part, parts_of, sent_share, start_of
from ses_ops.console.language import N_
from ses_ops.console.mending import Mending, mending_of
from ses_ops.console.quota_errors import wrong_with_entry, wrong_with_variable
from ses_ops.domain.task_status import TaskStatus

if TYPE_CHECKING:
    from ses_ops.console.quota_snapshot import Domains
    from ses_ops.storage.ledger.activity import RecentFailures
    from ses_ops.storage.tasks.overview import TaskOverview

#: Most rows of a section; it has the number of further rows with a link to all of them.
SHOWN = 8


class Need(StrEnum):
    """The reason for which a person has to act."""

    ERROR = "error"
    MISSED = "missed"
    HELD = "held"
    DOUBT = "doubt"
    QUOTA = "quota"


#: The word and the class of the badge by reason.
NEEDS: dict[Need, tuple[str, str]] = {
    Need.QUOTA: (N_("quota"), "error"),
    Need.ERROR: (N_("error"), "error"),
    Need.MISSED: (N_("missed"), "error"),
    Need.HELD: (N_("held"), "paused"),
    Need.DOUBT: (N_("in doubt"), "in-doubt"),
}


#: Text for a start that has passed without a run.
MISSED = N_(
    "Its start at %(start)s UTC has passed and Airflow made no run for it. Look in Airflow whether its DAG is switched "
    "on, whether it has many queued runs, and whether the scheduler runs."
)


@dataclass(frozen=True, kw_only=True)
class Todo:
    """A matter that waits for a person. `text` is a message id with `values`, or an untranslated sentence."""

    need: Need
    #: Name of the send task or sender domain; empty for the Variable as a whole.
    name: str
    path: str
    text: str
    values: dict[str, object]
    #: Number of messages, for Need.DOUBT.
    count: int = 0
    #: Field of the Variable's entry, for Need.QUOTA.
    field: str | None = None
    #: Link to the page that corrects the reason, for Need.ERROR and Need.HELD.
    mending: Mending | None = None

    @property
    def key(self) -> str:
        """The key of the row."""
        return f"{self.need}:{self.name}"

    @property
    def word(self) -> str:
        return NEEDS[self.need][0]

    @property
    def look(self) -> str:
        return NEEDS[self.need][1]


@dataclass(frozen=True, kw_only=True)
class Moving:
    """A task with its progress bar."""

    task: TaskOverview

    @property
    def mending(self) -> Mending | None:
        return mending_of(self.task)

    @property
    def parts(self) -> list[Part]:
        return parts_of(start_of(self.task))

    @property
    def share(self) -> float:
        return sent_share(start_of(self.task))


@dataclass(frozen=True, kw_only=True)
class Section:
    """The first SHOWN rows of one kind, and their number."""

    rows: Sequence[Moving]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Sections:
    """The sections of the page above the chart."""

    any_task: bool
    counts: dict[TaskStatus, int]
    todos: Sequence[Todo]
    todos_total: int
    sending: Section
    paused: Section
    retrying: Section
    failures: Sequence[RecentFailures]
    failures_total: int
    #: Task with the next start, when no task is sending.
    next_task: TaskOverview | None


def sections_of(
    tasks: Sequence[TaskOverview], *, failures: Sequence[RecentFailures], domains: Domains, may_look: bool
) -> Sections:
    """Sort the tasks that a person may see into sections. `may_look`: whether they may see the sender domains too."""
    names = {task.name for task in tasks}
    todos = [*(_of_quotas(tasks, domains) if may_look else ()), *(todo for task in tasks for todo in _of_task(task))]
    todos.sort(key=lambda todo: list(NEEDS).index(todo.need))
    seen_failures = [one for one in failures if one.task in names]
    counts = {status: sum(task.status is status for task in tasks) for status in TaskStatus}
    coming = [task for task in tasks if task.status is TaskStatus.WAITING and task.next_run_at]
    return Sections(
        any_task=bool(tasks),
        counts=counts,
        todos=todos[: 2 * SHOWN],
        todos_total=len(todos),
        sending=_section(tasks, TaskStatus.SENDING),
        paused=_section(tasks, TaskStatus.PAUSED),
        retrying=_section(tasks, TaskStatus.RETRYING),
        failures=seen_failures[:SHOWN],
        failures_total=len(seen_failures),
        next_task=min(coming, key=lambda task: task.next_run_at.timestamp() if task.next_run_at else 0, default=None),
    )


def _section(tasks: Sequence[TaskOverview], status: TaskStatus) -> Section:
    found = [task for task in tasks if task.status is status]
    # Tasks are sorted by the time at which they continue; those that wait for a person are last.
    found.sort(key=lambda task: (task.paused_by_person, task.next_run_at is None, task.next_run_at or task.created_at))
    return Section(rows=[Moving(task=task) for task in found[:SHOWN]], total=len(found))


def _of_task(task: TaskOverview) -> list[Todo]:
    if task.status is TaskStatus.CANCELLED and not task.unknown_count:
        return []
    name, path = task.name, f"/tasks/{task.name}"
    found = []
    if task.error and task.status is not TaskStatus.CANCELLED:
        need = Need.ERROR if task.status is TaskStatus.ERROR else Need.HELD
        found.append(Todo(need=need, name=name, path=path, text=task.error, values={}, mending=mending_of(task)))
    if missed := missed_start_of(task):
        found.append(missed)
    if task.unknown_count:
        found.append(Todo(need=Need.DOUBT, name=name, path=path, text="", values={}, count=task.unknown_count))
    return found


def missed_start_of(task: TaskOverview) -> Todo | None:
    """The matter of a task whose start has passed without a run of Airflow."""
    missed = task.missed_start(datetime.now(UTC))
    if missed is None:
        return None
    values: dict[str, object] = {"start": f"{missed:%Y-%m-%d %H:%M}"}
    return Todo(need=Need.MISSED, name=task.name, path=f"/tasks/{task.name}", text=MISSED, values=values)


def _of_quotas(tasks: Sequence[TaskOverview], domains: Domains) -> list[Todo]:
    """The matters of the Variable: of the whole, else of each entry; a missing entry only for a domain with a task."""
    wrong = wrong_with_variable(domains.plans)
    if wrong is not None:
        if not tasks:
            return []
        return [Todo(need=Need.QUOTA, name="", path="/domains", text=wrong.text, values=dict(wrong.values))]
    used = {task.sender_domain for task in tasks if task.status is not TaskStatus.CANCELLED}
    found = []
    for quota in domains.quotas:
        entry = wrong_with_entry(domains.plans, quota)
        if entry is not None and (quota.domain in used or quota.domain in domains.plans.entries):
            found.append(
                Todo(
                    need=Need.QUOTA,
                    name=quota.domain,
                    path="/domains/" + urlquote(quota.domain),
                    text=entry.text,
                    values=dict(entry.values),
                    field=entry.field,
                )
            )
    return found
