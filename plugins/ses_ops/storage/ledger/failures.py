"""Failed messages of a task by the server's code, with examples.

They are counted chunk by chunk, and an unchanged chunk is not counted again: so a page that is open for a while has all
codes of a million messages, and no request reads more than MOST_LOOKED_AT of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.storage.named_sql import fetch_all, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.progress import LedgerScope

_SQL = statements(__file__)

#: Largest number of messages that one call reads: one chunk of full size, some 50 ms.
MOST_LOOKED_AT = 50_000
#: Largest number of chunks that are kept, and that are read for one task.
REMEMBERED = 20_000
MOST_CHUNKS = 2_000
#: The code of messages that failed without a reply of the server, in forms, options and the ledger.
NO_CODE = 0
#: Number of examples of each code.
EXAMPLES = 3


class _ByCode(NamedTuple):
    """The failures of a chunk with one code, with the first ones as examples."""

    code: int | None
    messages: int
    seqs: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A failed message: its recipient, and the server's reply."""

    address: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failures:
    """The messages that failed with one code of the server; None without a reply."""

    code: int | None
    count: int
    examples: list[Example]


class FailureCounts:
    """Counts failures and keeps the counts of chunks; to be shared by all requests."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], list[_ByCode]] = OrderedDict()
        self._lock = threading.Lock()

    def by_code(self, conn: Connection, scope: LedgerScope) -> list[Failures]:
        """The counts, most frequent code first. They may be of a part of the failures: repeat, or compare the sum."""
        chunks = fetch_all(conn, _SQL["chunks_with_failures"], **scope.values, limit=MOST_CHUNKS)
        database = conn.info.dbname, conn.info.host, conn.info.port
        with self._lock:
            known = {chunk["id"]: self._known.get((database, *chunk.values())) for chunk in chunks}
        new = _within(MOST_LOOKED_AT, [chunk for chunk in chunks if known[chunk["id"]] is None])
        for row in _count(conn, new):
            known[row["chunk_id"]] = [*(known[row["chunk_id"]] or []), _ByCode(row["code"], row["count"], row["seqs"])]
        with self._lock:
            for chunk in new:
                self._known[(database, *chunk.values())] = known[chunk["id"]] or []
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return _together(conn, {chunk["id"]: chunk["occurrence_id"] for chunk in chunks}, known)


def _within(most: int, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first chunks that together have `most` messages, at least one chunk."""
    taken: list[dict[str, Any]] = []
    for chunk in chunks:
        most -= chunk["last_seq"] - chunk["first_seq"] + 1
        if most < 0 and taken:
            break
        taken.append(chunk)
    return taken


def _count(conn: Connection, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not chunks:
        return []
    return fetch_all(
        conn,
        _SQL["failures_in"],
        chunks=[chunk["id"] for chunk in chunks],
        occurrences=[chunk["occurrence_id"] for chunk in chunks],
        firsts=[chunk["first_seq"] for chunk in chunks],
        lasts=[chunk["last_seq"] for chunk in chunks],
    )


def _together(
    conn: Connection, occurrence_of: dict[int, int], known: dict[int, list[_ByCode] | None]
) -> list[Failures]:
    sums: dict[int | None, int] = {}
    first: dict[int | None, list[tuple[int, int]]] = {}
    for chunk_id, parts in known.items():
        for code, count, seqs in parts or []:
            sums[code] = sums.get(code, 0) + count
            keys = first.setdefault(code, [])
            keys += [(occurrence_of[chunk_id], seq) for seq in seqs[: EXAMPLES - len(keys)]]
    places = [key for keys in first.values() for key in keys]
    rows = fetch_all(conn, _SQL["examples"], occurrences=[key[0] for key in places], seqs=[key[1] for key in places])
    texts = {
        (row["occurrence_id"], row["seq"]): Example(address=row["address"], text=row["smtp_text"] or "") for row in rows
    }
    return [
        Failures(code=code, count=count, examples=[texts[key] for key in first[code] if key in texts])
        for code, count in sorted(sums.items(), key=lambda one: -one[1])
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedByCode:
    """The number of messages that failed with one code of the server."""

    #: The code; NO_CODE for messages without a reply.
    code: int
    count: int
    #: Number of these messages whose address is on the suppression list now: they are not retried.
    suppressed: int
    #: The server's reply to one of them.
    text: str

    @property
    def retried(self) -> int:
        """Number of messages that a retry would send."""
        return self.count - self.suppressed


def failed_by_code(conn: Connection, task_id: int) -> list[FailedByCode]:
    """The counts, most frequent code first. Reads every failed message: 0.2 s for a hundred thousand."""
    return [
        FailedByCode(
            code=row["code"] or NO_CODE, count=row["count"], suppressed=row["suppressed"], text=row["text"] or ""
        )
        for row in fetch_all(conn, _SQL["failed_by_code"], task_id=task_id)
    ]
