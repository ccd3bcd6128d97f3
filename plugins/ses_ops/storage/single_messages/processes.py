"""Processes that take and send single messages, and who of them lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.async_connection import AsyncConnection

_SQL = statements(__file__)

#: The first key of the advisory locks; the second key is the process's number.
PROCESS_LOCK = 7_371
#: As PROCESS_LOCK: held by the transaction in which a process accepts messages.
ACCEPTING_LOCK = 7_373


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessRow:
    """One process that takes and sends single messages."""

    id: int
    #: A UUID: the key of its occurrences.
    name: str

    @property
    def run_id(self) -> str:
        """The name by which the process holds chunks, in the place of a DAG run's."""
        return f"api:{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A process that has not ended by its own account, or left chunks behind."""

    id: int
    name: str
    #: The moment of its last heartbeat.
    beat_at: datetime

    @property
    def process(self) -> ProcessRow:
        """The process itself."""
        return ProcessRow(id=self.id, name=self.name)


def begin(conn: Connection) -> ProcessRow:
    """Write this process down; `try_lock` shows that it lives."""
    made = fetch_row(conn, ProcessRow, _SQL["begin"], host=socket.gethostname(), pid=os.getpid())
    assert made is not None
    return made


def try_lock(conn: Connection, process_id: int) -> bool:
    """Take the lock of a process for this session; False while another session has it. Safe to repeat."""
    return bool(fetch_value(conn, _SQL["try_lock"], lock=PROCESS_LOCK, id=process_id))


def unlock(conn: Connection, process_id: int) -> None:
    """Release the lock of a process before the session ends."""
    fetch_value(conn, _SQL["unlock"], lock=PROCESS_LOCK, id=process_id)


async def beat(
    conn: AsyncConnection, process_id: int, *, rate: float, turned_away: bool, attempt_ids: Sequence[int]
) -> int:
    """Report that a process and its attempts live, the messages a second that it begins, and whether it can begin any.

    Returns the number of living processes, this one included; 0 when this one was taken for dead.
    """
    values = {"id": process_id, "rate": rate, "turned_away": turned_away, "attempt_ids": list(attempt_ids)}
    ((living,),) = await conn.fetch(_SQL["beat"], values)
    return int(living)


def not_ended(conn: Connection, *, besides: int = 0) -> list[Suspect]:
    """The processes, but one, that have not ended by their own account: they live, or died."""
    return fetch_rows(conn, Suspect, _SQL["not_ended"], besides=besides)


def not_settled(conn: Connection) -> list[Suspect]:
    """The processes that have ended, and in whose name chunks are still held."""
    return fetch_rows(conn, Suspect, _SQL["not_settled"])


def end(conn: Connection, process: ProcessRow) -> None:
    """Write that a process has ended: nothing comes into its occurrences any more."""
    execute(conn, _SQL["end"], id=process.id)
    execute(conn, _SQL["finish_occurrences"], name=process.name)


def chunks_of(conn: Connection, process: ProcessRow) -> list[int]:
    """The numbers of the chunks that a process holds."""
    return fetch_values(conn, _SQL["chunks_of"], run_id=process.run_id)
