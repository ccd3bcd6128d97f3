"""The result of a use case: its changes, and notices for the scheduler.

The tables of ses-ops decide whether mail leaves, so they are changed first. The caller (console, command line) gives
the notices after the commit and reports each one that the scheduler did not accept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_ops.application.ports import Scheduler
    from ses_ops.domain.occurrence import RunKind


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPaused:
    """Notice that the scheduler starts no more runs of a task."""

    task: str

    def tell(self, scheduler: Scheduler) -> bool:
        """Give the notice; False when the scheduler does not know the task yet."""
        return scheduler.pause_dag(self.task)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResumed:
    """Notice that the scheduler may start runs of a task again."""

    task: str

    def tell(self, scheduler: Scheduler) -> bool:
        """Give the notice; False when the scheduler does not know the task yet."""
        return scheduler.unpause_dag(self.task)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunWanted:
    """Notice that mail of a task needs a run."""

    task: str
    #: Kind of the run; None: a run that sends pending mail and starts occurrences that are due.
    kind: RunKind | None = None

    def tell(self, scheduler: Scheduler) -> str | None:
        """Have the run started; its id, or None when the run exists already. Raises NotFound."""
        return scheduler.start_run(self.task, self.kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksWritten:
    """Notice that the definitions of tasks have changed."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def tell(self, scheduler: Scheduler) -> bool:
        """Have the definitions read; False when the scheduler finds them by itself later."""
        return scheduler.update_dags(created=list(self.created), changed=list(self.changed))


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDeleted:
    """Notice that a task was deleted."""

    task: str

    def tell(self, scheduler: Scheduler) -> None:
        """Give the notice."""
        scheduler.forget_task(self.task)


Notice = TaskPaused | TaskResumed | RunWanted | TasksWritten | TaskDeleted


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """The result of every use case that changes something."""

    #: False when the stored values were the wanted ones already.
    changed: bool = True
    #: Notices for the scheduler, in the order in which they have to be given.
    scheduler: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted(Changed):
    """The result of a use case that changes messages."""

    count: int = 0
