"""What a use case gives back: what it changed, and the notices that the scheduler is to be given afterwards.

Our tables decide whether mail leaves, so they come first. A face gives the notices after the commit, as well as that
can be done, and says what could not be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_ops.application.ports import Scheduler
    from ses_ops.domain.occurrence import RunKind


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPaused:
    """Runs of a task need not start."""

    task: str

    def tell(self, scheduler: Scheduler) -> bool:
        """Give the notice; False when the scheduler does not know the task yet."""
        return scheduler.pause_dag(self.task)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResumed:
    """Runs of a task may start again."""

    task: str

    def tell(self, scheduler: Scheduler) -> bool:
        """Give the notice; False when the scheduler does not know the task yet."""
        return scheduler.unpause_dag(self.task)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunWanted:
    """Mail of a task waits for a run."""

    task: str
    #: None: one that sends what waits and starts what is due.
    kind: RunKind | None = None

    def tell(self, scheduler: Scheduler) -> str | None:
        """Have the run started; its id, None when it exists already. Raises NotFound."""
        return scheduler.start_run(self.task, self.kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksWritten:
    """Definitions of tasks are other ones now."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def tell(self, scheduler: Scheduler) -> bool:
        """Have them read; False when the scheduler finds them by itself later."""
        return scheduler.update_dags(created=list(self.created), changed=list(self.changed))


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDeleted:
    """A task is gone."""

    task: str

    def tell(self, scheduler: Scheduler) -> None:
        """Give the notice."""
        scheduler.forget_task(self.task)


Notice = TaskPaused | TaskResumed | RunWanted | TasksWritten | TaskDeleted


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """What every use case says of a change."""

    #: False when everything was so already.
    changed: bool = True
    #: In the order in which they are to be given.
    scheduler: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted(Changed):
    """A change of messages."""

    count: int = 0
