"""The messages of the local mailbox, in one SQLite file. A message is on disk before the client hears 250."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Messages written in one transaction at most.
BATCH = 200

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
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMessage:
    """One message with its envelope."""

    id: int
    #: UNIX seconds.
    received_at: float
    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)


class MessageStore:
    """Reads; safe to use from several threads, each gets a connection of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / "mailbox.sqlite"
        self._local = threading.local()
        with self.connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
        self.path.chmod(0o600)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in a transaction."""
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(self.path, timeout=30)
            db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing; a power cut may
        with db:
            yield db

    def count(self, to: str = "") -> int:
        """How many messages there are, for all recipients or for those whose address contains `to`."""
        with self.connection() as db:
            if not to:
                return int(db.execute("SELECT count(*) FROM message").fetchone()[0])
            statement = "SELECT count(DISTINCT message_id) FROM recipient WHERE address LIKE ? ESCAPE '\\'"
            return int(db.execute(statement, (_containing(to),)).fetchone()[0])

    def newest(self, *, to: str = "", limit: int = 50, before: int | None = None) -> list[StoredMessage]:
        """Newest first; `before` is the id of the last message of the page before."""
        statement = (
            "SELECT id, received_at, mail_from, raw FROM message WHERE id < :before "
            "AND (:to = '%%' OR id IN (SELECT message_id FROM recipient WHERE address LIKE :to ESCAPE '\\')) "
            "ORDER BY id DESC LIMIT :limit"
        )
        given = {"before": before if before is not None else 2**62, "to": _containing(to), "limit": limit}
        with self.connection() as db:
            return [self._message(db, row) for row in db.execute(statement, given).fetchall()]

    def get(self, number: int) -> StoredMessage | None:
        """One message."""
        with self.connection() as db:
            statement = "SELECT id, received_at, mail_from, raw FROM message WHERE id = ?"
            row = db.execute(statement, (number,)).fetchone()
            return self._message(db, row) if row else None

    def _message(self, db: sqlite3.Connection, row: tuple[int, float, str, bytes]) -> StoredMessage:
        found = db.execute("SELECT address FROM recipient WHERE message_id = ? ORDER BY rowid", (row[0],))
        recipients = tuple(address for (address,) in found)
        return StoredMessage(id=row[0], received_at=row[1], mail_from=row[2], recipients=recipients, raw=row[3])


@dataclass(frozen=True, kw_only=True)
class _Arrival:
    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    received_at: float
    stored: asyncio.Future[None]


class MessageWriter:
    """Writes what arrives on many connections in common transactions (group commit)."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._arrivals: asyncio.Queue[_Arrival] = asyncio.Queue()

    async def add(self, mail_from: str, recipients: tuple[str, ...], raw: bytes) -> None:
        """Store a message; returns when it is committed. Raises sqlite3.Error if it could not be."""
        stored = asyncio.get_running_loop().create_future()
        arrival = _Arrival(mail_from=mail_from, recipients=recipients, raw=raw, received_at=time.time(), stored=stored)
        self._arrivals.put_nowait(arrival)
        await stored

    async def run(self) -> None:
        """Write until cancelled. A batch that failed is reported to its clients, the next is tried anew."""
        while True:
            batch = [await self._arrivals.get()]
            while len(batch) < BATCH and not self._arrivals.empty():
                batch.append(self._arrivals.get_nowait())
            error: Exception | None = None
            try:
                await asyncio.to_thread(self._write, batch)
            except sqlite3.Error as cause:
                error = cause
            for arrival in batch:
                if arrival.stored.done():  # its client went away
                    continue
                if error:
                    arrival.stored.set_exception(error)
                else:
                    arrival.stored.set_result(None)

    def _write(self, batch: list[_Arrival]) -> None:
        with self._store.connection() as db:
            for one in batch:
                statement = "INSERT INTO message (received_at, mail_from, raw) VALUES (?, ?, ?)"
                number = db.execute(statement, (one.received_at, one.mail_from, one.raw)).lastrowid
                rows = [(number, address) for address in one.recipients]
                db.executemany("INSERT INTO recipient (message_id, address) VALUES (?, ?)", rows)


def _containing(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
