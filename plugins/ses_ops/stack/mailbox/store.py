"""The store of the local mailbox's messages: one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Largest number of messages in one transaction.
BATCH = 200

#: Number of bytes from the beginning of a message in which the headers for the list are looked for.
HEAD = 16 * 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,      -- UNIX seconds
    mail_from TEXT NOT NULL,        -- of the envelope
    raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS recipient (
    message_id INTEGER NOT NULL REFERENCES message (id),
    address TEXT NOT NULL COLLATE NOCASE    -- of the envelope
);
CREATE INDEX IF NOT EXISTS recipient_message ON recipient (message_id);
CREATE INDEX IF NOT EXISTS recipient_address ON recipient (address, message_id);
-- What the search looks at: subject, sender and recipients, casefolded. A table of its own: a scan reads no messages.
CREATE TABLE IF NOT EXISTS words (message_id INTEGER PRIMARY KEY, text TEXT NOT NULL);
-- The largest id that was ever deleted: an id means one message for ever.
CREATE TABLE IF NOT EXISTS deleted (through INTEGER NOT NULL);
"""
_CHOSEN = (
    "(:to = '%%' OR id IN (SELECT message_id FROM recipient WHERE address LIKE :to ESCAPE '\\')) "
    "AND (:words = '%%' OR id IN (SELECT message_id FROM words WHERE text LIKE :words ESCAPE '\\'))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMessage:
    """One message with its envelope."""

    id: int
    #: UNIX seconds.
    received_at: float
    mail_from: str
    recipients: tuple[str, ...]
    #: The bytes of the message; in a list only the first HEAD bytes.
    raw: bytes = field(repr=False)
    #: Number of bytes of the whole message.
    size: int


class MessageStore:
    """Reads and deletes messages. It may be used from several threads: each has a connection of its own."""

    def __init__(self, folder: Path, words: Callable[[str, tuple[str, ...], bytes], str]) -> None:
        """`words` makes the text for searches of sender, recipients and beginning of a message; it must never raise."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / "mailbox.sqlite"
        self.words = words
        self._local = threading.local()
        with self.connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
        self.path.chmod(0o600)
        self._add_missing_words()

    def _add_missing_words(self) -> None:
        """Add the text for searches to messages that an older version stored."""
        with self.connection() as db:
            ids = db.execute("SELECT id FROM message WHERE id NOT IN (SELECT message_id FROM words)").fetchall()
            for (number,) in ids:
                if message := self.get(number, HEAD):
                    text = self.words(message.mail_from, message.recipients, message.raw)
                    db.execute("INSERT INTO words (message_id, text) VALUES (?, ?)", (number, text))

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The connection of this thread, in a transaction."""
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(self.path, timeout=30)
            # A killed process loses no message with this setting; a power cut may lose the last ones.
            db.execute("PRAGMA synchronous = NORMAL")
        with db:
            yield db

    def count(self, *, to: str = "", words: str = "") -> int:
        """How many messages there are: all, those to an address that contains `to`, those with `words`."""
        chosen = _CHOSEN if to or words else "true"
        with self.connection() as db:
            found = db.execute(f"SELECT count(*) FROM message WHERE {chosen}", _given(to, words))  # noqa: S608
            return int(found.fetchone()[0])

    def newest(
        self, *, to: str = "", words: str = "", limit: int = 50, before: int | None = None
    ) -> list[StoredMessage]:
        """Messages of a search, newest first; `before` is the id of the last message of the page before."""
        statement = (
            "SELECT id, received_at, mail_from, substr(raw, 1, :head), length(raw) FROM message "  # noqa: S608
            f"WHERE id < :before AND {_CHOSEN} ORDER BY id DESC LIMIT :limit"
        )
        given = {"before": before if before is not None else 2**62, "limit": limit, "head": HEAD, **_given(to, words)}
        with self.connection() as db:
            return [self._message(db, row) for row in db.execute(statement, given).fetchall()]

    def get(self, number: int, head: int = 2**30) -> StoredMessage | None:
        """One message, with its first `head` bytes."""
        with self.connection() as db:
            statement = "SELECT id, received_at, mail_from, substr(raw, 1, ?), length(raw) FROM message WHERE id = ?"
            row = db.execute(statement, (head, number)).fetchone()
            return self._message(db, row) if row else None

    def beside(self, number: int, *, to: str = "", words: str = "") -> tuple[int | None, int | None]:
        """The ids of the next newer and the next older message of a search."""
        given = {"number": number, **_given(to, words)}
        with self.connection() as db:
            newer = f"SELECT min(id) FROM message WHERE id > :number AND {_CHOSEN}"  # noqa: S608
            older = f"SELECT max(id) FROM message WHERE id < :number AND {_CHOSEN}"  # noqa: S608
            return db.execute(newer, given).fetchone()[0], db.execute(older, given).fetchone()[0]

    def delete(self, *, to: str = "", words: str = "", through: int, only: int | None = None) -> int:
        """Delete the messages of a search up to an id, or one message; returns the number of deleted messages."""
        given = {"through": through, "only": only, **_given(to, words)}
        chosen = f"id <= :through AND (:only IS NULL OR id = :only) AND {_CHOSEN}"
        with self.connection() as db:
            db.execute("INSERT INTO deleted SELECT id FROM message ORDER BY id DESC LIMIT 1")
            db.execute(f"CREATE TEMP TABLE gone AS SELECT id FROM message WHERE {chosen}", given)  # noqa: S608
            db.execute("DELETE FROM recipient WHERE message_id IN (SELECT id FROM gone)")
            db.execute("DELETE FROM words WHERE message_id IN (SELECT id FROM gone)")
            count = db.execute("DELETE FROM message WHERE id IN (SELECT id FROM gone)").rowcount
            db.execute("DROP TABLE gone")
        return count

    def _message(self, db: sqlite3.Connection, row: tuple[int, float, str, bytes, int]) -> StoredMessage:
        found = db.execute("SELECT address FROM recipient WHERE message_id = ? ORDER BY rowid", (row[0],))
        recipients = tuple(address for (address,) in found)
        return StoredMessage(
            id=row[0], received_at=row[1], mail_from=row[2], recipients=recipients, raw=row[3], size=row[4]
        )


@dataclass(frozen=True, kw_only=True)
class _Arrival:
    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    received_at: float
    stored: asyncio.Future[None]


class MessageWriter:
    """Writes the messages of many connections in common transactions (group commit)."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._arrivals: asyncio.Queue[_Arrival] = asyncio.Queue()

    async def add(self, mail_from: str, recipients: tuple[str, ...], raw: bytes) -> None:
        """Store a message; returns when it is committed. Raises the error of the database otherwise."""
        stored = asyncio.get_running_loop().create_future()
        arrival = _Arrival(mail_from=mail_from, recipients=recipients, raw=raw, received_at=time.time(), stored=stored)
        self._arrivals.put_nowait(arrival)
        await stored

    async def run(self) -> None:
        """Write until cancelled. The clients of a batch that failed get the error; the next batch is tried again."""
        while True:
            batch = [await self._arrivals.get()]
            while len(batch) < BATCH and not self._arrivals.empty():
                batch.append(self._arrivals.get_nowait())
            error: Exception | None = None
            try:
                await asyncio.to_thread(self._write, batch)
            except Exception as cause:  # an error that ended this loop would make all clients wait for ever
                error = cause
            for arrival in batch:
                if arrival.stored.done():  # the client has closed its connection
                    continue
                if error:
                    arrival.stored.set_exception(error)
                else:
                    arrival.stored.set_result(None)

    def _write(self, batch: list[_Arrival]) -> None:
        with self._store.connection() as db:
            known = "SELECT (SELECT max(id) FROM message), (SELECT max(through) FROM deleted)"
            last = max((number or 0 for number in db.execute(known).fetchone()), default=0)
            for number, one in enumerate(batch, last + 1):
                statement = "INSERT INTO message (id, received_at, mail_from, raw) VALUES (?, ?, ?, ?)"
                db.execute(statement, (number, one.received_at, one.mail_from, one.raw))
                rows = [(number, address) for address in one.recipients]
                db.executemany("INSERT INTO recipient (message_id, address) VALUES (?, ?)", rows)
                words = self._store.words(one.mail_from, one.recipients, one.raw[:HEAD])
                db.execute("INSERT INTO words (message_id, text) VALUES (?, ?)", (number, words))


def _given(to: str, words: str) -> dict[str, str]:
    return {"to": _containing(to), "words": _containing(words.casefold())}


def _containing(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
