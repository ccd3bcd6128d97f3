"""Pages of a task's messages: by status, address, occurrence or chunks.

A page is found by the key at which the page before ended, or the page behind began, never by counting rows. A rare
status or a part of an address is searched in MOST_LOOKED_AT rows at a time: a page may be short, and has the key at
which the search continues.

No further index would help. An index on `state`, also a partial one, would end the heap-only updates of the hot path:
each outcome would be written to every index of the ledger. An index of trigrams, for parts of an address, would make an
audience take four times as long to write (200 000 rows: 8.6 s instead of 2.1 s), for a rare question about one task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.address import parse_address
from ses_ops.domain.feedback import Feedback
from ses_ops.errors import InvalidInput
from ses_ops.storage.events import task_feedback
from ses_ops.storage.like_pattern import containing
from ses_ops.storage.named_sql import fetch_all, fetch_rows, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Largest number of rows that are read for one page: some 50 ms, twice that when they are not in memory.
MOST_LOOKED_AT = 200_000
#: Largest number of chunks of one page.
_MOST_CHUNKS = 1_000
#: Largest number of messages with an outcome that are read for one page of a search by a part of an address. They lie
#: apart in the ledger, so each costs what forty cost that lie together.
MOST_FED_BACK = 5_000


class MessagePosition(NamedTuple):
    """A position in a task's list: directly behind this message."""

    occurrence_id: int
    seq: int


#: The positions before the first message, and behind the last.
TOP = MessagePosition(0, 0)
END = MessagePosition(2**63 - 1, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSearch:
    """A search of a task's messages. `status` is one of MessageStatus, `address_key` a normalised address."""

    task_id: int
    status: str | None = None
    address_key: str | None = None
    #: A text that the address must have in it.
    part: str | None = None
    #: The outcome that the messages must have.
    feedback: Feedback | None = None
    occurrence_id: int | None = None
    #: Ids of chunks, whose messages only are listed.
    chunk_ids: list[int] | None = None
    after: MessagePosition = TOP
    #: The position at which the page ends, instead of a beginning.
    through: MessagePosition | None = None

    @property
    def is_rare(self) -> bool:
        """Whether rows may have to be read that do not match."""
        return self.status is not None or self.part is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedMessage:
    """A message as a person sees it."""

    #: The key of its occurrence, and the number of that start.
    occurrence: str
    start: int
    occurrence_id: int
    seq: int
    address: str
    #: A value of MessageStatus.
    status: str
    tries: int
    smtp_code: int | None
    smtp_text: str | None
    changed_at: datetime | None
    #: When a pending message is tried at the earliest.
    next_try_at: datetime | None
    #: Why the pending messages of its chunk are not on their way.
    chunk_reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePage:
    """A page of messages in the order of sending.

    `next` is the `after` of the next page, None at the end of the list; `previous` the `through` of the previous page,
    None at the beginning.
    """

    rows: list[ListedMessage]
    next: MessagePosition | None
    previous: MessagePosition | None


def whole_or_part(text: str) -> tuple[str | None, str | None]:
    """A typed text as `address_key` or as `part` of a search: a text that is an address means the whole address."""
    try:
        return (parse_address(text).key, None) if text else (None, None)
    except InvalidInput:
        return None, text


def message_page(conn: Connection, search: MessageSearch, *, size: int) -> MessagePage:
    """One page. A page of a search may be short or empty, and yet not be the last."""
    rows, reached = _read(conn, search, size=size)
    if search.through is not None:
        if len(rows) > size:
            first = rows[size - 1]
            reached = MessagePosition(first.occurrence_id, first.seq - 1)
        return MessagePage(rows=rows[:size][::-1], next=search.through, previous=reached)
    if len(rows) > size:
        last = rows[size - 1]
        reached = MessagePosition(last.occurrence_id, last.seq)
    return MessagePage(rows=rows[:size], next=reached, previous=search.after if search.after != TOP else None)


def all_messages(conn: Connection, search: MessageSearch, *, size: int) -> Iterator[list[ListedMessage]]:
    """All messages of a search, in batches of at most `size`."""
    after: MessagePosition | None = search.after
    while after is not None:
        page = message_page(conn, replace(search, after=after), size=size)
        if page.rows:
            yield page.rows
        after = page.next


def _read(conn: Connection, search: MessageSearch, *, size: int) -> tuple[list[ListedMessage], MessagePosition | None]:
    """The rows of a page and one more, in the direction of reading; then the key of the last row; None: the end."""
    values = _values(search)
    if search.feedback is not None:
        return _fed_back(conn, search, search.feedback, size=size)
    if search.address_key is not None:
        return fetch_rows(conn, ListedMessage, _SQL["messages_to"], **values, limit=size + 1), None
    ranges = fetch_all(conn, _SQL["ranges"], **values, limit=_MOST_CHUNKS)
    most = MOST_LOOKED_AT if search.is_rare else size + 1
    looked_at, reached = _last(ranges, most) if values["back"] else _first(ranges, most)
    rows = fetch_rows(
        conn,
        ListedMessage,
        _SQL["messages"],
        chunks=[part["id"] for part in looked_at],
        firsts=[part["first_seq"] for part in looked_at],
        lasts=[part["last_seq"] for part in looked_at],
        patterns=containing(search.part) if search.part is not None else None,
        status=search.status,
        back=values["back"],
        limit=size + 1,
    )
    return rows, reached


def _fed_back(
    conn: Connection, search: MessageSearch, feedback: Feedback, *, size: int
) -> tuple[list[ListedMessage], MessagePosition | None]:
    """As `_read`, of the messages with an outcome, whose keys are found first."""
    if search.address_key is not None:
        rows, _ = _read(conn, replace(search, feedback=None), size=MOST_FED_BACK)
        found = task_feedback.outcomes(conn, [(row.occurrence_id, row.seq) for row in rows])
        having = {key for key, outcome in found.items() if feedback in outcome.feedback}
        return [row for row in rows if (row.occurrence_id, row.seq) in having][: size + 1], None
    most = MOST_FED_BACK if search.is_rare else size + 1
    back = search.through is not None
    keys = task_feedback.keys(
        conn,
        task_id=search.task_id,
        feedback=feedback,
        occurrence_id=search.occurrence_id,
        after=search.after,
        through=search.through or END,
        back=back,
        limit=most,
    )
    rows = fetch_rows(
        conn,
        ListedMessage,
        _SQL["messages_at"],
        occurrences=[key[0] for key in keys],
        seqs=[key[1] for key in keys],
        patterns=containing(search.part) if search.part is not None else None,
        status=search.status,
        back=back,
        limit=size + 1,
    )
    if len(keys) < most:
        return rows, None
    occurrence_id, seq = keys[-1]
    return rows, MessagePosition(occurrence_id, seq - 1 if back else seq)


def _values(search: MessageSearch) -> dict[str, Any]:
    through = search.through or END
    return {
        "task_id": search.task_id,
        "status": search.status,
        "address_key": search.address_key,
        "occurrence_id": search.occurrence_id,
        "chunk_ids": search.chunk_ids,
        "after_occurrence": search.after.occurrence_id,
        "after_seq": search.after.seq,
        "through_occurrence": through.occurrence_id,
        "through_seq": through.seq,
        "back": search.through is not None,
    }


_Ranges = list[dict[str, Any]]


def _first(ranges: _Ranges, most: int) -> tuple[_Ranges, MessagePosition | None]:
    """The first ranges with `most` rows together, and the key at their end; None when there are no more ranges."""
    taken: _Ranges = []
    for part in ranges:
        last = min(part["last_seq"], part["first_seq"] + most - 1)
        taken.append({**part, "last_seq": last})
        most -= last - part["first_seq"] + 1
        if most <= 0:
            break
    if not taken or (len(taken) == len(ranges) < _MOST_CHUNKS and taken[-1]["last_seq"] == ranges[-1]["last_seq"]):
        return taken, None
    return taken, MessagePosition(taken[-1]["occurrence_id"], taken[-1]["last_seq"])


def _last(ranges: _Ranges, most: int) -> tuple[_Ranges, MessagePosition | None]:
    """As `_first`, for ranges in descending order: the rows before them end at the key."""
    taken: _Ranges = []
    for part in ranges:
        first = max(part["first_seq"], part["last_seq"] - most + 1)
        taken.append({**part, "first_seq": first})
        most -= part["last_seq"] - first + 1
        if most <= 0:
            break
    if not taken or (len(taken) == len(ranges) < _MOST_CHUNKS and taken[-1]["first_seq"] == ranges[-1]["first_seq"]):
        return taken, None
    return taken, MessagePosition(taken[-1]["occurrence_id"], taken[-1]["first_seq"] - 1)
