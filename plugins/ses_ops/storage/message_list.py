"""Messages of a task as a person sees them, a page at a time: by status, address, occurrence or chunks.

A page is found by the key of the one before it, never by counting rows. A status that few messages have is looked for
in so many rows at a time: a page may be short, and says where the search goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.storage.sql import fetch_all

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Rows that are looked at for one page: some 50 ms.
MOST_LOOKED_AT = 50_000
#: Chunks of one page.
_MOST_CHUNKS = 1_000


class MessageKey(NamedTuple):
    """The place of a message in the list of its task."""

    occurrence_id: int
    seq: int


#: Before all messages.
TOP = MessageKey(0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSearch:
    """Which messages of a task. `status` is one of MessageStatus, `address_key` a normalised address."""

    task_id: int
    status: str | None = None
    address_key: str | None = None
    occurrence_id: int | None = None
    #: Only messages of these chunks.
    chunk_ids: list[int] | None = None
    after: MessageKey = TOP


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePage:
    """Some messages in the order of sending; `next` is where the list goes on, None at its end."""

    rows: list[dict[str, Any]]
    next: MessageKey | None


def message_page(conn: Connection, search: MessageSearch, *, size: int) -> MessagePage:
    """One page. With a status it may be short, or empty, and not be the last."""
    if search.address_key is not None:
        rows = fetch_all(conn, "messages", "messages_to", **_values(search), limit=size + 1)
        return _page(rows, size, None)
    ranges = fetch_all(conn, "messages", "ranges", **_values(search), limit=_MOST_CHUNKS)
    looked_at, through = _bounded(ranges, MOST_LOOKED_AT if search.status else size + 1)
    rows = fetch_all(
        conn,
        "messages",
        "messages",
        chunks=[part["id"] for part in looked_at],
        firsts=[part["first_seq"] for part in looked_at],
        lasts=[part["last_seq"] for part in looked_at],
        status=search.status,
        limit=size + 1,
    )
    return _page(rows, size, through)


def all_messages(conn: Connection, search: MessageSearch, *, size: int) -> Iterator[list[dict[str, Any]]]:
    """Every message that is left to list, in batches of `size` at most."""
    after: MessageKey | None = search.after
    while after is not None:
        page = message_page(conn, replace(search, after=after), size=size)
        if page.rows:
            yield page.rows
        after = page.next


def _values(search: MessageSearch) -> dict[str, Any]:
    return {
        "task_id": search.task_id,
        "status": search.status,
        "address_key": search.address_key,
        "occurrence_id": search.occurrence_id,
        "chunk_ids": search.chunk_ids,
        "after_occurrence": search.after.occurrence_id,
        "after_seq": search.after.seq,
    }


def _bounded(ranges: list[dict[str, Any]], most: int) -> tuple[list[dict[str, Any]], MessageKey | None]:
    """The first ranges that hold `most` rows together, and where they end; None when there is nothing behind them."""
    taken: list[dict[str, Any]] = []
    for part in ranges:
        last = min(part["last_seq"], part["first_seq"] + most - 1)
        taken.append({**part, "last_seq": last})
        most -= last - part["first_seq"] + 1
        if most <= 0:
            break
    if not taken or (len(taken) == len(ranges) < _MOST_CHUNKS and taken[-1]["last_seq"] == ranges[-1]["last_seq"]):
        return taken, None
    return taken, MessageKey(taken[-1]["occurrence_id"], taken[-1]["last_seq"])


def _page(rows: list[dict[str, Any]], size: int, through: MessageKey | None) -> MessagePage:
    if len(rows) > size:
        last = rows[size - 1]
        return MessagePage(rows=rows[:size], next=MessageKey(last["occurrence_id"], last["seq"]))
    return MessagePage(rows=rows, next=through)
