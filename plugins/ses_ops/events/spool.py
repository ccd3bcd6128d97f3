"""Files on disk that keep events until PostgreSQL takes them.

A record is a line: the CRC-32 of its JSON in eight hexadecimal digits, a space, the JSON, a line feed. A process
appends to a file of its own, which it holds locked (flock, released by the kernel however the process ends), and
answers after fsync. Whoever drains locks a file first, so several processes share a folder. A file is removed after
all its records are committed; a record that is read twice is a repetition for the database. A line that is not whole
was never answered for, or is damage: it is kept in a file beside, `*.damaged`, and the lines around it count.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.engagement import Engagement, EngagementKind
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.errors import Explanation, SesError
from ses_ops.events.private_file import keep_privately, sync_folder

#: Endings of a file with records, and of one with lines that could not be read.
SPOOLED, DAMAGED = ".spool", ".damaged"
#: Octets after which a process begins another file, so that a long outage is drained in pieces.
MOST_OCTETS = 16 << 20


class SpoolFailed(SesError):
    """The spool cannot be written: a full disk, a folder that is gone. Whoever gave the records has to repeat them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmatchedRecord:
    """What could not be understood, as `record_events.keep_unmatched` takes it."""

    source: str
    source_id: str
    raw: bytes
    why: Explanation
    kind: EventKind | None = None


Record = MessageEvent | Engagement | UnmatchedRecord

#: The fields of an open or a click that are written as they are.
_OF_ENGAGEMENT = [name for name in Engagement.__dataclass_fields__ if name not in ("kind", "occurred_at", "message")]


def packed(record: Record) -> bytes:
    """The line of a record."""
    text = json.dumps(_plain(record), separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (crc32(text), text)


def unpacked(line: bytes) -> Record | None:
    """The record of a line without its line feed; None for a damaged line, or one of another version."""
    check, _, text = line.partition(b" ")
    try:
        if len(check) != 8 or int(check, 16) != crc32(text):
            return None
        return _record(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(record: Record) -> dict[str, Any]:
    if isinstance(record, UnmatchedRecord):
        why = {"code": record.why.code, "facts": record.why.stored}
        raw = b64encode(record.raw).decode()
        return {
            "source": record.source,
            "source_id": record.source_id,
            "kind": record.kind,
            "unmatched": raw,
            "why": why,
        }
    if isinstance(record, Engagement):
        return _plain_engagement(record)
    failure = None if record.failure is None else record.failure._asdict()
    message = None if record.message is None else asdict(record.message)
    names = [name for name in MessageEvent.__dataclass_fields__ if name not in ("message", "failure", "occurred_at")]
    plain = {name: getattr(record, name) for name in names}
    return {**plain, "occurred_at": record.occurred_at.isoformat(), "message": message, "failure": failure}


def _plain_engagement(record: Engagement) -> dict[str, Any]:
    """The fields that have a value: there may be thousands a second."""
    key = record.message
    plain = {name: value for name in _OF_ENGAGEMENT if (value := getattr(record, name)) not in ("", None, False)}
    if key is not None:
        plain["message"] = [key.occurrence_id, key.seq, key.address_check]
    return {**plain, "engagement": record.kind.value, "at": record.occurred_at.isoformat()}


def _engagement(plain: dict[str, Any]) -> Engagement:
    key = plain.pop("message", None)
    message = None if key is None else MessageKey(occurrence_id=key[0], seq=key[1], address_check=key[2])
    kind, moment = EngagementKind(plain.pop("engagement")), datetime.fromisoformat(plain.pop("at"))
    return Engagement(**plain, kind=kind, occurred_at=moment, message=message)


def _record(plain: dict[str, Any]) -> Record:
    if "engagement" in plain:
        return _engagement(plain)
    kind = plain.pop("kind")
    if "unmatched" in plain:
        why = Explanation.read(plain["why"]["code"], plain["why"]["facts"])
        if why is None:
            raise ValueError("no explanation")
        raw = b64decode(plain["unmatched"], validate=True)
        known = EventKind(kind) if kind is not None else None
        return UnmatchedRecord(source=plain["source"], source_id=plain["source_id"], raw=raw, why=why, kind=known)
    moment = datetime.fromisoformat(plain.pop("occurred_at"))
    message, failure = plain.pop("message"), plain.pop("failure")
    return MessageEvent(
        **plain,
        kind=EventKind(kind),
        occurred_at=moment,
        message=None if message is None else MessageKey(**message),
        failure=None if failure is None else DeliveryFailure(**{**failure, "reason": Reason(failure["reason"])}),
    )


@dataclass(kw_only=True)
class SpoolWriter:
    """Appends records for one process; safe for several threads."""

    folder: Path
    _file: int | None = field(default=None, init=False)
    _size: int = field(default=0, init=False)
    _unsynced: bool = field(default=False, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def append(self, records: Iterable[Record], *, sync: bool = True) -> None:
        """Write records; on return they survive the end of the process, and with `sync` a loss of power.

        Raises SpoolFailed.
        """
        lines = b"".join(map(packed, records))
        with self._lock:
            try:
                self._append(lines, sync=sync)
            except OSError as cause:
                self._close()
                raise SpoolFailed("spool_failed", cause=cause.strerror or str(cause)) from cause

    def close(self, *, sync: bool = True) -> None:
        """Give the present file free for draining; the next record begins another file.

        Whoever drains it now need not `sync`: the records are committed before the file is removed.
        """
        with self._lock:
            file, unsynced = self._file, self._unsynced
            self._file, self._unsynced = None, False
        if file is not None:
            _end(file, sync=sync and unsynced)

    def sync(self) -> None:
        """Make what was written without `sync` survive a loss of power. Raises SpoolFailed."""
        with self._lock:
            if not self._unsynced or self._file is None:
                return
            try:
                # Of a handle of its own, so that nobody who writes waits for the disk meanwhile.
                handle = os.dup(self._file)
            except OSError as cause:  # no more files for this process: the next call syncs it
                raise SpoolFailed("spool_failed", cause=cause.strerror or str(cause)) from cause
            self._unsynced = False
        try:
            os.fsync(handle)
        except OSError as cause:
            raise SpoolFailed("spool_failed", cause=cause.strerror or str(cause)) from cause
        finally:
            os.close(handle)

    def _append(self, lines: bytes, *, sync: bool) -> None:
        if self._file is None or self._size > MOST_OCTETS:
            self._close()
            self._file = _new_file(self.folder)
            self._size = 0
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._file, memoryview(lines)[written:])
            if sync:
                os.fsync(self._file)
            self._unsynced = not sync
        except OSError:
            # What cannot be taken back is a record that its caller repeats, or a damaged line.
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(lines)

    def _close(self) -> None:
        if self._file is not None:
            _end(self._file, sync=self._unsynced)
        self._file, self._unsynced = None, False


def _end(file: int, *, sync: bool) -> None:
    with suppress(OSError):
        if sync:
            os.fsync(file)
    with suppress(OSError):
        os.close(file)


def _new_file(folder: Path) -> int:
    """A locked new file, with a name that no other process, container or earlier boot has."""
    while True:
        path = folder / f"{os.getpid()}-{secrets.token_hex(8)}{SPOOLED}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            removed = not os.fstat(file).st_nlink
            if not removed:
                sync_folder(folder)
        except BlockingIOError:
            removed = True
        except OSError:
            os.close(file)
            raise
        if not removed:
            return file
        os.close(file)  # a drainer was faster: it removes the empty file, or has done so


def waiting(folder: Path) -> list[Path]:
    """The files with records, oldest first."""
    found = []
    for path in folder.glob(f"*{SPOOLED}"):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


@dataclass(frozen=True, kw_only=True)
class SpoolFile:
    """A file that this process has claimed for draining."""

    path: Path
    #: Whole lines that are a record, in the order in which they were written.
    records: Sequence[Record]
    #: The other octets.
    damaged: Sequence[bytes]

    def remove(self, refused: Sequence[Record] = ()) -> None:
        """Remove the file, whose records are committed; damaged lines and `refused` records are kept beside it."""
        kept = [*(line + b"\n" for line in self.damaged), *map(packed, refused)]
        if kept:
            keep_privately(self.path.with_suffix(DAMAGED), b"".join(kept))
        self.path.unlink()


@contextmanager
def claimed(path: Path) -> Iterator[SpoolFile | None]:
    """A file for draining, locked for the length of a `with`; None while another process has it, or has removed it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = os.stat(path).st_ino == os.fstat(file).st_ino
    except (BlockingIOError, FileNotFoundError):
        there = False
    try:
        yield _read(path) if there else None
    finally:
        os.close(file)


def _read(path: Path) -> SpoolFile:
    records: list[Record] = []
    damaged = []
    *lines, torn = path.read_bytes().split(b"\n")
    for line in lines:
        record = unpacked(line)
        if record is None:
            damaged.append(line)
        else:
            records.append(record)
    if torn:
        damaged.append(torn)
    return SpoolFile(path=path, records=records, damaged=damaged)
