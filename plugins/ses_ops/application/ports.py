"""What a use case needs of the world outside: who asks, where it is written down, and the scheduler of runs.

Airflow implements `Scheduler` (orchestration/control.py) and `AuditLog` (orchestration/audit.py). Each face makes its
`Actor`: the console of a login, the command line of the user of the shell.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from ses_ops.domain.occurrence import RunKind


class Scheduler(Protocol):
    """What starts the runs of send tasks. Every call may raise SesError: the scheduler may be away."""

    def pause_dag(self, task_name: str, /) -> bool:
        """Start no more runs of a task; False when the scheduler does not know the task yet."""
        ...

    def unpause_dag(self, task_name: str, /) -> bool:
        """Start runs of a task again; False when the scheduler does not know the task yet."""
        ...

    def start_run(self, task_name: str, kind: RunKind | None = None, /) -> str | None:
        """Start a run for what a person decided; its id, or None when it exists. Raises NotFound."""
        ...

    def trigger_run(self, task_name: str, run_id: str, conf: dict[str, Any] | None = None, /) -> bool:
        """Start a run with an id of the caller's; False when the run of that id exists. Raises NotFound."""
        ...

    def update_dags(self, *, created: Sequence[str], changed: Sequence[str]) -> bool:
        """Read tasks that were just written; False when the scheduler finds them by itself later."""
        ...

    def forget_task(self, task_name: str, /) -> None:
        """Start no run of a deleted task."""
        ...


class PlanStore(Protocol):
    """Where the warm-up plans of the sender domains are kept (orchestration/quota_variable.py: an Airflow Variable)."""

    def write_quota_entry(self, domain: str, entry: Mapping[str, Any], /, *, seen: str) -> None:
        """Give a domain another entry, if its entry still has the mark `seen`. Raises Conflict."""
        ...


class AuditLog(Protocol):
    """Who did what to which task, and whether it was refused."""

    def recorded(
        self, who: str, action: str, *, task: str | None = None, **details: Any
    ) -> AbstractContextManager[dict[str, Any]]:
        """Record an action, which is done in the `with`. What is added to the yielded dictionary is recorded too.

        `details` are facts such as names and numbers: no passwords, no recipients' values. An action that raises
        SesError has `refused` with its sentence, one that raises anything else `failed` with the error's class.
        """
        ...


class NoAuditLog:
    """Keeps nothing: for tests, and for a process that has no audit log."""

    @contextmanager
    def recorded(self, who: str, action: str, *, task: str | None = None, **details: Any) -> Iterator[dict[str, Any]]:
        """Do it."""
        del who, action
        yield {**({"task": task} if task else {}), **details}


_NO_AUDIT_LOG = NoAuditLog()


def _everything(task_name: str) -> bool:
    del task_name
    return True


def _nothing(roles_by_task: Mapping[str, tuple[str, ...]]) -> None:
    del roles_by_task


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks for a change, and what that one may do."""

    #: As it stands in the audit log and beside what was changed.
    name: str
    audit: AuditLog = _NO_AUDIT_LOG
    #: Whether the actor may start mail of a task.
    may_start: Callable[[str], bool] = _everything
    #: Gives the DAGs of tasks to roles, before the change is committed: nobody has a task that they cannot see. An
    #: actor for whom that can wait leaves it out and does it afterwards, for `Changed.roles`.
    give_roles: Callable[[Mapping[str, tuple[str, ...]]], object] = _nothing

    def recorded(
        self, action: str, *, task: str | None = None, **details: Any
    ) -> AbstractContextManager[dict[str, Any]]:
        """See `AuditLog.recorded`."""
        return self.audit.recorded(self.name, action, task=task, **details)
