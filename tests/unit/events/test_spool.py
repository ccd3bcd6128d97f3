"""Records on disk: what was answered for comes back whole, whatever else lies in the file."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.errors import Explanation
from ses_ops.events.spool import DAMAGED, SpoolFailed, SpoolWriter, UnmatchedRecord, claimed, packed, unpacked, waiting

_TEXT = st.text(max_size=30)
_STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
_KEYS = st.builds(
    MessageKey,
    occurrence_id=st.integers(0, 2**56 - 1),
    seq=st.integers(0, 2**32 - 1),
    address_check=st.integers(0, 2**32 - 1),
)
_FAILURES = st.builds(DeliveryFailure, reason=st.sampled_from(Reason), status=_TEXT)
EVENTS = st.builds(
    MessageEvent,
    kind=st.sampled_from(EventKind),
    source=_TEXT,
    source_id=st.text(st.characters(), max_size=30),
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    message=st.none() | _KEYS,
    message_id=_TEXT,
    authenticated=st.booleans(),
    address=_TEXT,
    provider_kind=_TEXT,
    failure=st.none() | _FAILURES,
    hard=st.booleans(),
    diagnostic=_TEXT,
    raw=st.text(st.characters(), max_size=200),
)
UNMATCHED = st.builds(
    UnmatchedRecord,
    source=_TEXT,
    source_id=_TEXT,
    raw=st.binary(max_size=200),
    why=st.builds(Explanation, st.just("spool_failed"), cause=_STORABLE),
    kind=st.none() | st.sampled_from(EventKind),
)
RECORDS = st.one_of(EVENTS, UNMATCHED)


def spooled(folder, *groups) -> None:
    writer = SpoolWriter(folder=folder)
    for group in groups:
        writer.append(group)
    writer.close()


def drained(folder) -> list:
    found = []
    for path in waiting(folder):
        with claimed(path) as file:
            found += file.records
            file.remove()
    return found


@given(record=RECORDS)
def test_a_record_is_one_line_and_comes_back_as_it_was(record):
    line = packed(record)
    assert line.count(b"\n") == 1
    assert unpacked(line[:-1]) == record


@given(record=RECORDS, at=st.integers(0, 10_000), by=st.integers(1, 255))
def test_a_line_with_a_changed_octet_is_no_record(record, at, by):
    line = bytearray(packed(record)[:-1])
    line[at % len(line)] ^= by
    changed = unpacked(bytes(line))
    # The hexadecimal digits of the check may be written in capitals, which means the same.
    assert changed is None or (changed == record and at % len(line) < 8)


@settings(max_examples=40)  # each writes files, with fsync
@given(records=st.lists(RECORDS, min_size=1, max_size=5), cut=st.integers(1, 10_000))
def test_a_torn_end_hides_nothing_that_is_whole(tmp_path_factory, records, cut):
    folder = tmp_path_factory.mktemp("spool")
    spooled(folder, records)
    (path,) = waiting(folder)
    whole = path.read_bytes()
    kept = whole[: len(whole) - cut % len(packed(records[-1])) - 1]
    path.write_bytes(kept)
    assert drained(folder) == records[:-1]
    torn = kept.rpartition(b"\n")[2]
    assert [one.read_bytes() for one in folder.glob(f"*{DAMAGED}")] == ([torn + b"\n"] if torn else [])


@pytest.fixture
def event() -> MessageEvent:
    from datetime import datetime

    key = MessageKey(occurrence_id=7, seq=3, address_check=9)
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    return MessageEvent(kind=EventKind.UNSUBSCRIBED, source="one_click", source_id="a", occurred_at=moment, message=key)


def test_a_file_that_is_being_written_is_not_drained_and_then_it_is(tmp_path, event):
    writer = SpoolWriter(folder=tmp_path)
    writer.append([event])
    (path,) = waiting(tmp_path)
    with claimed(path) as file:
        assert file is None
    writer.close()
    with claimed(path) as file, claimed(path) as second:
        assert file.records == [event]
        assert second is None
    writer.append([event])
    assert len(waiting(tmp_path)) == 2
    writer.close()


def test_a_new_file_that_a_drainer_removed_before_it_was_locked_gets_no_record(tmp_path, event, monkeypatch):
    lock, drainer_is_quicker = fcntl.flock, iter([True])

    def late(file, operation):
        if next(drainer_is_quicker, False):
            assert drained(tmp_path) == []
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    spooled(tmp_path, [event])
    assert drained(tmp_path) == [event]


def test_a_process_that_was_killed_leaves_its_file_to_others(tmp_path, event):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from ses_ops.events.spool import *\n"
        "writer = SpoolWriter(folder=Path(sys.argv[1])); writer.append([unpacked(sys.argv[2].encode())])\n"
        "os.kill(os.getpid(), 9)"
    )
    line = packed(event)[:-1].decode()
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path), line]).returncode == -9
    assert drained(tmp_path) == [event]
    assert waiting(tmp_path) == []


def test_a_full_disk_is_an_error_and_the_file_stays_whole(tmp_path, event):
    line = packed(event)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from ses_ops.events.spool import *\n"
        "event = unpacked(sys.argv[2].encode()); writer = SpoolWriter(folder=Path(sys.argv[1]))\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(line) * 3 + 20},) * 2)\n"
        "for number in range(4):\n"
        "    try:\n        writer.append([event, event]); print('kept')\n"
        "    except SpoolFailed as problem:\n        print(problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), line[:-1].decode()], capture_output=True, text=True, check=True
    )
    refused = "the spool of events cannot be written: File too large"
    # Each refusal begins another file, in which there is room again.
    assert done.stdout.splitlines() == ["kept", refused, "kept", refused]
    assert drained(tmp_path) == [event] * 4
    assert list(tmp_path.glob(f"*{DAMAGED}")) == []


def test_a_sync_for_which_no_file_is_left_is_an_error_and_the_next_one_syncs(tmp_path, event, monkeypatch):
    """The error of a process with too many connections ended the thread that syncs."""

    def too_many(handle):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    writer, synced = SpoolWriter(folder=tmp_path), []
    writer.append([event], sync=False)
    with monkeypatch.context() as full:
        full.setattr(os, "dup", too_many)
        with pytest.raises(SpoolFailed, match="Too many open files"):
            writer.sync()
    monkeypatch.setattr(os, "fsync", synced.append)
    writer.sync()
    assert len(synced) == 1


def test_only_the_owner_can_read_a_file(tmp_path, event):
    spooled(tmp_path, [event])
    (path,) = waiting(tmp_path)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_folder_that_is_gone_is_an_error(tmp_path, event):
    with pytest.raises(SpoolFailed, match="No such file"):
        SpoolWriter(folder=tmp_path / "gone").append([event])
