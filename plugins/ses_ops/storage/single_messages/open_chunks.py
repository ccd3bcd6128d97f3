"""Chunks of single messages: in an occurrence a process and sender domain, one grows while messages are accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_row, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_tracking import Tracking
    from ses_ops.storage.single_messages.processes import ProcessRow

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A new chunk without messages."""

    id: int
    #: The place of the message that will be its first.
    first_seq: int


def ensure_task(conn: Connection, domain: str) -> int:
    """The number of the send task of a sender domain's single messages, made at first use."""
    execute(conn, _SQL["make_task"], domain=domain)
    return int(fetch_value(conn, _SQL["task_of"], domain=domain))


def ensure_occurrence(conn: Connection, *, task_id: int, process: ProcessRow, tracked: Tracking) -> int:
    """The number of the occurrence in which a process puts a sender domain's messages, made at first use.

    What can be noticed of its messages is the same for all of them, so a domain may have several.
    """
    key = " ".join([process.name, *(name for name, is_noticed in tracked._asdict().items() if is_noticed)])
    execute(conn, _SQL["make_occurrence"], task_id=task_id, key=key, run_id=process.run_id)
    return int(fetch_value(conn, _SQL["occurrence_of"], task_id=task_id, key=key))


def open_chunk(
    conn: Connection,
    *,
    occurrence_id: int,
    task_id: int,
    domain: str,
    process: ProcessRow,
    quota_day_id: int,
    behind: int = 0,
) -> Opened:
    """Make an empty chunk behind the others of the occurrence and the place `behind`, held by the process."""
    keys = {"occurrence_id": occurrence_id, "task_id": task_id, "domain": domain, "quota_day_id": quota_day_id}
    made = fetch_row(conn, Opened, _SQL["open_chunk"], **keys, run_id=process.run_id, behind=behind)
    assert made is not None
    return made


def seconds_left(conn: Connection, quota_day_id: int) -> float:
    """Seconds to the end of a quota day."""
    return float(fetch_value(conn, _SQL["seconds_left"], id=quota_day_id))


def give_back_single(conn: Connection, *, quota_day_id: int, count: int) -> None:
    """Count places of a day as not taken by single messages. The caller holds the day's row."""
    execute(conn, _SQL["give_back_single"], id=quota_day_id, count=count)


def take_single(conn: Connection, *, quota_day_id: int, count: int) -> None:
    """Reserve places of a day for single messages. The caller holds the day's row."""
    execute(conn, _SQL["take_single"], id=quota_day_id, count=count)
