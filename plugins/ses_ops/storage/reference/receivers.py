"""Recipient groups as the reference lists them: by number, with names that may be any text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.template_variables import recipient_values
from ses_ops.storage.like_pattern import containing
from ses_ops.storage.named_sql import fetch_all, fetch_row, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """A group with its name there."""

    id: int
    #: As everywhere else in this installation.
    name: str
    #: As a client called it.
    title: str
    description: str
    recipient_count: int
    created_at: datetime
    #: Whether a file is being imported into it.
    uploading: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverDetail:
    """A recipient of a group."""

    position: int
    address: str
    values: dict[str, str]
    #: A SuppressionReason, when the address gets no mail at all now; else None.
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DetailCounts:
    """Numbers of recipients."""

    total: int
    suppressed: int


def page(
    conn: Connection, *, keyword: str | None, is_empty: bool | None, offset: int, limit: int
) -> tuple[list[Receiver], int]:
    """Groups, the newest first, and their number. `keyword`: a part of the name; `is_empty`: without recipients."""
    asked: dict[str, Any] = {"keyword": keyword or None, "is_empty": is_empty}
    rows = fetch_all(conn, _SQL["receivers"], **asked, offset=offset, limit=limit)
    total = rows[0]["total"] if rows else fetch_value(conn, _SQL["count_receivers"], **asked)
    return [Receiver(**{name: row[name] for name in row if name != "total"}) for row in rows], int(total)


def find(conn: Connection, group_id: int) -> Receiver | None:
    """The group of a number; None: there is none."""
    return fetch_row(conn, Receiver, _SQL["receiver"], id=group_id)


def names_taken(conn: Connection, names: Sequence[str]) -> set[str]:
    """Of some names those that groups have."""
    return set(fetch_values(conn, _SQL["names_taken"], names=list(names)))


def title_taken(conn: Connection, title: str) -> bool:
    """Whether a group is called so. The answer holds until the transaction ends."""
    fetch_value(conn, _SQL["lock_titles"])
    return bool(fetch_value(conn, _SQL["title_taken"], title=title))


def set_title(conn: Connection, name: str, *, title: str) -> int:
    """Note what a client calls a new group; returns its number."""
    return int(fetch_value(conn, _SQL["set_title"], name=name, title=title))


def details(
    conn: Connection, group_id: int, *, text: str | None, suppressed: bool | None, offset: int, limit: int
) -> list[ReceiverDetail]:
    """Recipients in their order. `text`: a part of the address; `suppressed`: only those that get no mail, or do."""
    asked: dict[str, Any] = {"group_id": group_id, "patterns": containing(text) if text else None}
    return fetch_rows(conn, _detail, _SQL["details"], **asked, suppressed=suppressed, offset=offset, limit=limit)


def _detail(*, values: dict[str, str | None], **columns: Any) -> ReceiverDetail:
    return ReceiverDetail(values=dict(recipient_values(values)), **columns)


def count_details(conn: Connection, group_id: int, *, text: str | None) -> DetailCounts:
    """Numbers of recipients; see `details`."""
    patterns = containing(text) if text else None
    found = fetch_row(conn, DetailCounts, _SQL["count_details"], group_id=group_id, patterns=patterns)
    assert found is not None
    return found
