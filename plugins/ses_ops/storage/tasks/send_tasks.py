"""The rows of send tasks: read, write, pause, cancel, delete."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import Schedule, TaskType, stored_schedule
from ses_ops.domain.send_task import SendTask, stored_advertisement
from ses_ops.errors import NotFound
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg2.extensions import connection as Connection


_SQL = statements(__file__)

#: The time for which a finished or cancelled task still has a DAG.
DAG_RETENTION = timedelta(days=7)


class Applied(StrEnum):
    """The result of applying a definition."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def schedule_of(row: Mapping[str, Any]) -> Schedule:
    """The schedule of a task's row. Never fails: an invalid one has a `problem`."""
    task_type = TaskType(row["type"])
    start_at = row["start_at"]
    if start_at is None and task_type in (TaskType.IMMEDIATE, TaskType.RECURRING):
        start_at = row["created_at"]
    return stored_schedule(
        task_type,
        time_zone=row["time_zone"],
        start_at=start_at,
        every=row["every"],
        cron=row["cron"],
        until=row["until"],
    )


def task_of(row: Mapping[str, Any]) -> SendTask:
    """The applied definition in a task's row."""
    return SendTask(
        name=row["name"],
        type=TaskType(row["type"]),
        template=row["template"],
        sender=row["sender"],
        sender_domain=row["sender_domain"],
        group=row["group"],
        schedule=replace(schedule_of(row), start_at=row["start_at"]),
        subject=row["subject"],
        reply_to=row["reply_to"],
        unsubscribe_url=row["unsubscribe_url"],
        advertisement=stored_advertisement(row["advertisement"]),
        start_grace=row["start_grace"],
        on_unknown=OnUnknown(row["on_unknown"]),
        roles=tuple(sorted(row["roles"])),
    )


def content_of(row: Mapping[str, Any]) -> MailContent:
    """The content of the mail in a task's row."""
    return MailContent(
        type=TaskType(row["type"]),
        template=row["template"],
        sender=row["sender"],
        sender_domain=row["sender_domain"],
        subject=row["subject"],
        reply_to=row["reply_to"],
        unsubscribe_url=row["unsubscribe_url"],
        advertisement=row["advertisement"],
    )


def find_row(conn: Connection, name: str) -> dict[str, Any]:
    """The row of a task by name; raises NotFound."""
    row = fetch_one(conn, _SQL["tasks"], name=name)
    if row is None:
        raise NotFound("send task", name)
    return row


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletedTask:
    """An earlier task of a name."""

    id: int
    deleted_at: datetime


def row_to_show(conn: Connection, name: str, task_id: int | None = None) -> dict[str, Any]:
    """The row of a task for reading: by id, else by name, also of a deleted task.

    As `find_row`, with `deleted_at`. Raises NotFound when no task ever had that name, or none of them that id.
    """
    row = fetch_one(conn, _SQL["task_to_show"], name=name, task_id=task_id)
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


def lock_row(conn: Connection, name: str) -> dict[str, Any]:
    """The row of a task, locked until the transaction ends; raises NotFound."""
    row = lock_row_if_any(conn, name)
    if row is None:
        raise NotFound("send task", name)
    return row


def lock_row_if_any(conn: Connection, name: str) -> dict[str, Any] | None:
    """The row of a task, locked until the transaction ends; None when there is no task of that name."""
    return fetch_one(conn, _SQL["lock_task"], name=name)


def row_of_chunk(conn: Connection, *, chunk_id: int) -> dict[str, Any] | None:
    """The row of a chunk's task, with `frozen_variables`: the names of the values of its recipients."""
    return fetch_one(conn, _SQL["of_chunk"], chunk_id=chunk_id)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskColumns:
    """The definition of a task as columns of its row."""

    name: str
    type: str
    template: str
    subject: str | None
    sender: str
    sender_domain: str
    group_id: int | None
    start_at: datetime | None
    time_zone: str
    every: str | None
    cron: str | None
    until: datetime | None
    reply_to: str | None
    unsubscribe_url: str | None
    advertisement: str
    start_grace: timedelta
    on_unknown: str
    roles: list[str]


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
    """Store why a task cannot go on; None clears the error."""
    execute(conn, _SQL["set_error"], name=name, error=error)


def pause(conn: Connection, name: str, *, reason: str) -> bool:
    """Stop a task's mail until it is resumed; False when it was paused already."""
    return execute(conn, _SQL["set_paused"], name=name, reason=reason) > 0


def keep_paused(conn: Connection, name: str, *, reason: str) -> None:
    """Store why a pause stays that a person tried to end."""
    execute(conn, _SQL["set_paused_reason"], name=name, reason=reason)


def resume(conn: Connection, name: str) -> bool:
    """End a person's pause; False when there was none."""
    return execute(conn, _SQL["set_resumed"], name=name) > 0


def cancel(conn: Connection, name: str, *, reason: str) -> bool:
    """Cancel a task and its unsent messages, for `reason`. False when it was cancelled already."""
    return execute(conn, _SQL["set_cancelled"], name=name, reason=reason) > 0


def delete(conn: Connection, name: str, *, reason: str) -> bool:
    """Delete a task; its ledger stays. False when there is none of that name."""
    return execute(conn, _SQL["set_deleted"], name=name, reason=reason) > 0
