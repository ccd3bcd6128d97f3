"""The journal of a sender: progress and replies a message, in shared memory.

Outcomes enter the ledger in batches, so after a crash the ledger does not show whether the last few dozen messages were
begun. The journal does: two octets a message in shared memory, which the kernel keeps when a process dies and loses
with the machine. So a journal is only trusted where it must be true: on the same machine, since the same boot, and when
its writer is dead (the kernel releases a dead process's lock on the file). The name of a journal is random, so a copy
of the database, which counts its attempts from the same number on, finds no journal of the original. Without a journal
all marked messages are in doubt.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
import time
from array import array
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A file system in memory: a journal that survived a power cut on a disk could be older than the last sent message.
FOLDER = Path("/dev/shm")  # noqa: S108 - files are made anew for this user alone
_NAME = "ses-ops-journal-"
_HEADER = 8
#: Seconds for which a journal is kept for its chunk to be claimed again.
_KEPT = 7 * 86_400


class JournalEntry(IntEnum):
    """An entry of the journal: one of these, or the code of the server's reply."""

    #: No octet of the content has left.
    UNTOUCHED = 0
    #: The content was about to be written.
    BEGUN = 1
    #: The server did not take the message, or not yet.
    DEFERRED = 2
    #: The smallest code of a reply: 2xx for sent, 5xx for refused for good.
    FIRST_CODE = 200


class Journal:
    """The journal of one attempt at the messages `first_seq` to `last_seq`, while it is being written."""

    def __init__(self, path: Path, descriptor: int, first_seq: int, last_seq: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, _size(first_seq, last_seq))
        self._map[:_HEADER] = first_seq.to_bytes(_HEADER, "big")
        self._view = memoryview(self._map)
        self._entries = self._view[_HEADER:].cast("H")
        self._first = first_seq

    def write(self, seq: int, entry: int) -> None:
        """Note a JournalEntry or a reply's code."""
        self._entries[seq - self._first] = entry

    def close(self, *, keep: bool) -> None:
        """Close the journal. `keep` it for the next attempt, unless every outcome is in the ledger."""
        if not keep:
            self._path.unlink(missing_ok=True)
        self._entries.release()
        self._view.release()
        self._map.close()
        os.close(self._descriptor)


def open_journal(journal_id: str, *, first_seq: int, last_seq: int) -> Journal | None:
    """A new journal; None where there is no shared memory, or none is left."""
    _sweep()
    path = _path(journal_id)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The memory is allocated now, because a write to a map without memory kills the process.
        os.posix_fallocate(descriptor, 0, _size(first_seq, last_seq))
        return Journal(path, descriptor, first_seq, last_seq)
    except OSError:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        return None


def read_journal(journal_id: str) -> Mapping[int, int] | None:
    """The entries of a dead attempt by seq; None without a journal on this machine, or when its writer may live."""
    try:
        descriptor = os.open(_path(journal_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        data = file.read()
    first_seq = int.from_bytes(data[:_HEADER], "big")
    entries = array("H", data[_HEADER:])
    return dict(enumerate(entries, first_seq))


def remove_journal(journal_id: str | None) -> None:
    """Remove the journal of a dead attempt, if this machine has it (None: there was no attempt)."""
    if journal_id is not None:
        with suppress(OSError):
            _path(journal_id).unlink(missing_ok=True)


def _sweep() -> None:
    """Remove old journals, whose chunks were finished on another machine."""
    for path in FOLDER.glob(f"{_NAME}*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _KEPT:
                path.unlink()


def _path(journal_id: str) -> Path:
    return FOLDER / f"{_NAME}{journal_id}"


def _size(first_seq: int, last_seq: int) -> int:
    return _HEADER + 2 * (last_seq - first_seq + 1)
