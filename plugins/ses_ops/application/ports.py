"""Ports of the use cases: the actor, the audit log, the scheduler.

Airflow implements `Scheduler` (orchestration/control.py) and `AuditLog` (orchestration/audit.py). The console makes
an `Actor` from the login, the command line from the user of the shell.
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
    """The scheduler of send tasks. Every call may raise SesError: the scheduler may be unavailable."""

    def pause_dag(self, task_name: str, /) -> bool:
        """Start no more runs of a task; False when the scheduler does not know the task yet."""
        ...

    def unpause_dag(self, task_name: str, /) -> bool:
        """Allow runs of a task again; False when the scheduler does not know the task yet."""
        ...

    def start_run(self, task_name: str, kind: RunKind | None = None, /) -> str | None:
        """Start a run for a person's decision; its id, or None when the run exists. Raises NotFound."""
        ...

    def trigger_run(self, task_name: str, run_id: str, conf: dict[str, Any] | None = None, /) -> bool:
        """Start a run with an id of the caller's; False when the run of that id exists. Raises NotFound."""
        ...

    def update_dags(self, *, created: Sequence[str], changed: Sequence[str]) -> bool:
        """Read tasks that were just written; False when the scheduler finds them by itself later."""
        ...

    def forget_task(self, task_name: str, /) -> None:
        """Remove a deleted task from the scheduler."""
        ...


class PlanStore(Protocol):
    """The store of the sender domains' warm-up plans (orchestration/quota_variable.py: an Airflow Variable)."""

    def write_quota_entry(self, domain: str, entry: Mapping[str, Any], /, *, seen: str) -> None:
        """Replace the entry of a domain if it still has the fingerprint `seen`. Raises Conflict."""
        ...


class AuditLog(Protocol):
    """The audit log: who did what to which task, and whether it was refused."""

    def recorded(
        self, who: str, action: str, *, task: str | None = None, **details: Any
    ) -> AbstractContextManager[dict[str, Any]]:
        """Record the action in the `with` block; items added to the yielded dictionary are recorded too.

        `details` are facts such as names and numbers: no passwords, no recipients' values. An action that raises
        SesError has `refused` with its sentence, one that raises anything else `failed` with the error's class.
        """
        ...


class NoAuditLog:
    """An audit log that keeps nothing: for tests, and for a process without one."""

    @contextmanager
    def recorded(self, who: str, action: str, *, task: str | None = None, **details: Any) -> Iterator[dict[str, Any]]:
        """Record nothing."""
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
    """The person who asks for a change, and what that person may do."""

    #: The person's name in the audit log and in the changed rows.
    name: str
    audit: AuditLog = _NO_AUDIT_LOG
    #: Whether the actor may start mail of a task.
    may_start: Callable[[str], bool] = _everything
    #: Gives the DAGs of tasks to roles before the change is committed, so that nobody has a task that they cannot
    #: see. An actor that can do so after the commit leaves this out and uses `Changed.roles`.
    give_roles: Callable[[Mapping[str, tuple[str, ...]]], object] = _nothing

    def recorded(
        self, action: str, *, task: str | None = None, **details: Any
    ) -> AbstractContextManager[dict[str, Any]]:
        """See `AuditLog.recorded`."""
        return self.audit.recorded(self.name, action, task=task, **details)
