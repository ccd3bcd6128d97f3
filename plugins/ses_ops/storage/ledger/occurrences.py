"""Occurrences: the starts of a send task, each with its audience."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, explained, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnfrozenOccurrence:
    """An occurrence whose audience has not been read yet."""

    id: int
    #: Why the occurrence waits for a person instead of starting.
    held_reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OccurrenceOfRun:
    """An occurrence that a DAG run began, or whose slot is the run's."""

    id: int
    #: Number of messages, with the suppressed ones.
    request_count: int
    frozen_at: datetime | None
    held_reason: str | None


def begin(conn: Connection, *, task_id: int, key: str, run_id: str, logical_at: datetime | None) -> None:
    """Write an occurrence, unless the task has one with this key. The caller holds the task's row."""
    execute(conn, _SQL["begin"], task_id=task_id, key=key, run_id=run_id, logical_at=logical_at)


def lock_unfrozen(conn: Connection, *, task_id: int, key: str | None, with_held: bool) -> list[UnfrozenOccurrence]:
    """Lock the occurrence of a key, and `with_held` those that wait for a person; the run's own is last."""
    return fetch_rows(conn, UnfrozenOccurrence, _SQL["lock_unfrozen"], task_id=task_id, key=key, with_held=with_held)


def hold(conn: Connection, *, occurrence_id: int, reason: str) -> None:
    """Have an occurrence wait for a person, with the reason."""
    execute(conn, _SQL["hold"], id=occurrence_id, **explained(reason=reason))


def supersede(conn: Connection, *, occurrence_id: int, reason: str) -> None:
    """End an occurrence without an audience, because a newer one is started in its place."""
    execute(conn, _SQL["supersede"], id=occurrence_id, **explained(reason=reason))


def write_audience(
    conn: Connection, *, occurrence_id: int, group_id: int | None, sender_domain: str
) -> list[str] | None:
    """Copy a group's recipients into the ledger; returns the variables that they have. None: the group was deleted."""
    variables: list[str] | None = fetch_value(
        conn, _SQL["write_audience"], occurrence_id=occurrence_id, group_id=group_id, sender_domain=sender_domain
    )
    return variables


def write_test_messages(
    conn: Connection,
    *,
    occurrence_id: int,
    sender_domain: str,
    addresses: Sequence[Address],
    values: Mapping[str, str | None],
) -> None:
    """Write the messages of a test send: one to each address, all with the same values."""
    execute(
        conn,
        _SQL["write_test_messages"],
        occurrence_id=occurrence_id,
        sender_domain=sender_domain,
        addresses=[address.address for address in addresses],
        keys=[address.key for address in addresses],
        values=json.dumps(dict(values)),
    )


def mark_frozen(conn: Connection, *, occurrence_id: int, sender_domain: str) -> None:
    """Count the messages that were written, and put all of them into one cached chunk."""
    execute(conn, _SQL["mark_frozen"], occurrence_id=occurrence_id, sender_domain=sender_domain)


def of_run(conn: Connection, *, task_id: int, key: str | None, run_id: str) -> list[OccurrenceOfRun]:
    """The occurrences of a task that a run began, or that have the key of the run's slot."""
    return fetch_rows(conn, OccurrenceOfRun, _SQL["of_run"], task_id=task_id, key=key, run_id=run_id)


def finish(conn: Connection, *, task_id: int) -> None:
    """Finish the occurrences of a task without pending messages."""
    execute(conn, _SQL["finish"], task_id=task_id)


def tasks_to_finish(conn: Connection) -> list[str]:
    """The names of tasks with an unfinished occurrence that has no pending messages."""
    return fetch_values(conn, _SQL["tasks_to_finish"])


def reopen(conn: Connection, *, task_id: int) -> None:
    """Reopen the finished occurrences of a task that have messages to be sent again."""
    execute(conn, _SQL["reopen"], task_id=task_id)


def any_of_task(conn: Connection, *, task_id: int) -> bool:
    """Whether a task has begun an occurrence."""
    return bool(fetch_value(conn, _SQL["any_of_task"], task_id=task_id))
