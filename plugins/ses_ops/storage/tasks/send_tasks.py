"""The rows of send tasks: read, write, pause, cancel, delete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import OnUnknown
from ses_ops.errors import NotFound
from ses_ops.storage.named_sql import (
    execute,
    explained,
    fetch_all,
    fetch_row,
    fetch_rows,
    fetch_value,
    statements,
)
from ses_ops.storage.tasks.stored_task import LockedTask, StoredTask, TaskOfChunk, row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.tasks.stored_task import TaskColumns


_SQL = statements(__file__)

#: The time for which a finished or cancelled task still has a DAG.
DAG_RETENTION = timedelta(days=7)


class Applied(StrEnum):
    """The result of applying a definition."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def find_row(conn: Connection, name: str) -> StoredTask:
    """The row of a task by name; raises NotFound."""
    row = fetch_row(conn, row_of(StoredTask), _SQL["tasks"], name=name)
    if row is None:
        raise NotFound("send task", name)
    return row


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletedTask:
    """An earlier task of a name."""

    id: int
    deleted_at: datetime


def row_to_show(conn: Connection, name: str, task_id: int | None = None) -> StoredTask:
    """The row of a task for a reader: by id, else by name, also of a deleted task.

    Raises NotFound when no task ever had that name, or not with that id.
    """
    row = fetch_row(conn, row_of(StoredTask), _SQL["task_to_show"], name=name, task_id=task_id)
    if row is None:
        raise NotFound("send task", name)
    return row


def deleted_tasks_of(conn: Connection, name: str, *, most: int = 20) -> list[DeletedTask]:
    """The tasks that had a name and were deleted, the last one first."""
    return fetch_rows(conn, DeletedTask, _SQL["deleted_of_name"], name=name, most=most)


def earlier_tasks(conn: Connection, name: str | None = None) -> dict[int, list[str]]:
    """The roles, by id, of each deleted task whose name another task has had since; with `name` only of that name."""
    return {row["id"]: row["roles"] for row in fetch_all(conn, _SQL["earlier_tasks"], name=name)}


def roles_of_tasks(conn: Connection) -> dict[str, tuple[str, ...]]:
    """The roles, by name, of each existing task that has roles."""
    return {row["name"]: tuple(row["roles"]) for row in fetch_all(conn, _SQL["roles_of_tasks"])}


def id_of(conn: Connection, name: str) -> int | None:
    """The id of the task that has a name now; None when there is none."""
    found: int | None = fetch_value(conn, _SQL["id_of_name"], name=name)
    return found


def lock_row(conn: Connection, name: str, *, with_api: bool = False) -> LockedTask:
    """The row of a task, locked until the transaction ends; raises NotFound.

    `with_api`: also that of a sender domain's single messages, `api:` and the domain, which is in no list.
    """
    row = lock_row_if_any(conn, name, with_api=with_api)
    if row is None:
        raise NotFound("send task", name)
    return row


def lock_row_if_any(conn: Connection, name: str, *, with_api: bool = False) -> LockedTask | None:
    """The row of a task, locked until the transaction ends; None when there is no task of that name."""
    return fetch_row(conn, row_of(LockedTask), _SQL["lock_task"], name=name, with_api=with_api)


def of_chunk(conn: Connection, *, chunk_id: int) -> TaskOfChunk | None:
    """The task of a chunk; None without such a chunk."""
    return fetch_row(conn, row_of(_of_chunk), _SQL["of_chunk"], chunk_id=chunk_id)


def _of_chunk(*, on_unknown: str, installation_id: object, token_secret: memoryview, **columns: Any) -> TaskOfChunk:
    return TaskOfChunk(
        on_unknown=OnUnknown(on_unknown),
        installation_id=str(installation_id),
        token_secret=bytes(token_secret),
        **columns,
    )


def on_unknown_of(conn: Connection, *, task_id: int) -> OnUnknown:
    """The policy of a task for messages in doubt."""
    return OnUnknown(fetch_value(conn, _SQL["on_unknown_of"], task_id=task_id))


def ever_any(conn: Connection) -> bool:
    """Whether any send task exists or existed."""
    return bool(fetch_value(conn, _SQL["ever_any"]))


def rows_with_dag(
    conn: Connection, *, name: str | None = None, retention: timedelta = DAG_RETENTION
) -> list[dict[str, Any]]:
    """The rows for the DAG file of every task that has a DAG; with `name` only of that task."""
    return fetch_all(conn, _SQL["tasks_with_dag"], name=name, retention=retention)


def insert(conn: Connection, columns: TaskColumns) -> int:
    """Write a new task; returns its id. Raises `connection.KeyTaken` when another has its name."""
    return int(fetch_value(conn, _SQL["insert_task"], **asdict(columns)))


def update(conn: Connection, columns: TaskColumns, *, task_id: int) -> None:
    """Write another definition into a task's row, and clear its error."""
    execute(conn, _SQL["update_task"], id=task_id, **asdict(columns))


def set_roles(conn: Connection, *, task_id: int, roles: Sequence[str]) -> None:
    """Write the roles of a task."""
    execute(conn, _SQL["set_roles"], id=task_id, roles=list(roles))


def finish(conn: Connection, *, task_id: int) -> None:
    """Finish a task that has one start, once its occurrence is finished."""
    execute(conn, _SQL["finish"], task_id=task_id)


def reopen(conn: Connection, *, task_id: int) -> None:
    """Reopen a finished task that has messages to be sent again."""
    execute(conn, _SQL["reopen"], task_id=task_id)


def set_error(conn: Connection, name: str, error: str | None) -> None:
    """Store the error for which a task cannot continue; None clears it."""
    execute(conn, _SQL["set_error"], name=name, **explained(error=error))


def pause(conn: Connection, name: str, *, reason: str) -> bool:
    """Stop a task's mail until it is resumed; False when it was paused already."""
    return execute(conn, _SQL["set_paused"], name=name, **explained(reason=reason)) > 0


def keep_paused(conn: Connection, name: str, *, reason: str) -> None:
    """Store the reason for which a pause stays that somebody tried to end."""
    execute(conn, _SQL["set_paused_reason"], name=name, **explained(reason=reason))


def resume(conn: Connection, name: str) -> bool:
    """End a person's pause; False when there was none."""
    return execute(conn, _SQL["set_resumed"], name=name) > 0


def cancel(conn: Connection, name: str, *, reason: str) -> bool:
    """Cancel a task and its pending mail, for `reason`. False when it was cancelled already."""
    return execute(conn, _SQL["set_cancelled"], name=name, **explained(reason=reason)) > 0


def delete(conn: Connection, name: str, *, reason: str) -> bool:
    """Delete a task; its ledger stays. False when no task has the name."""
    return execute(conn, _SQL["set_deleted"], name=name, **explained(reason=reason)) > 0
