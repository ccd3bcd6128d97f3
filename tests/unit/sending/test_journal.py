"""The sender's journal: kept by the kernel when a process dies, believed only when that process is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid

import pytest

from ses_ops.sending.chunk import journal
from ses_ops.sending.chunk.journal import JournalEntry, open_journal, read_journal, remove_journal

WRITER = """
import os, signal, sys
from ses_ops.sending.chunk.journal import JournalEntry, open_journal
journal = open_journal(sys.argv[1], first_seq=11, last_seq=15)
journal.write(11, 250)
journal.write(12, JournalEntry.BEGUN)
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def name():
    name = str(uuid.uuid4())
    yield name
    remove_journal(name)


def test_a_killed_writers_journal_is_read_and_a_living_ones_is_not(name):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"written\n"
        assert read_journal(name) is None, "its writer could still begin a message"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert read_journal(name) == {11: 250, 12: JournalEntry.BEGUN, 13: 0, 14: 0, 15: 0}
    remove_journal(name)
    assert read_journal(name) is None


def test_a_journal_that_is_closed_is_gone_or_kept_for_the_next(name):
    first = open_journal(name, first_seq=1, last_seq=2)
    first.write(2, 550)
    assert open_journal(name, first_seq=1, last_seq=2) is None, "one writer an attempt"
    first.close(keep=True)
    assert read_journal(name) == {1: 0, 2: 550}
    remove_journal(name)
    second = open_journal(name, first_seq=1, last_seq=2)
    second.close(keep=False)
    assert read_journal(name) is None


def test_nothing_but_the_users_own_plain_file_is_believed(name, tmp_path):
    path = journal._path(name)
    (tmp_path / "planted").write_bytes(bytes(20))
    os.symlink(tmp_path / "planted", path)
    assert read_journal(name) is None
    assert open_journal(name, first_seq=1, last_seq=2) is None


def test_an_old_journal_is_swept_away(name):
    open_journal(name, first_seq=1, last_seq=2).close(keep=True)
    path = journal._path(name)
    os.utime(path, (0, 0))
    open_journal(str(uuid.uuid4()), first_seq=1, last_seq=2).close(keep=False)
    assert not path.exists()


def test_without_shared_memory_there_is_no_journal(name, monkeypatch, tmp_path):
    monkeypatch.setattr(journal, "FOLDER", tmp_path / "none")
    assert open_journal(name, first_seq=1, last_seq=2) is None
    assert read_journal(name) is None
