"""Mails are found in files, mbox files, Maildirs and folders."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from ses_ops.errors import InvalidInput
from ses_ops.events.mail_files import MAX_MAIL, mails_in, mails_of

ONE, TWO = b"Subject: one\n\nFirst.\n", b"Subject: two\n\nSecond.\n"


def test_a_file_is_one_mail(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(ONE)
    assert list(mails_in(tmp_path / "one.eml")) == [ONE]


def test_an_mbox_has_several() -> None:
    mbox = (
        b"From a@b.example Sat Nov 28 10:11:12 2026\n" + ONE + b"\nFrom c@d.example Sat Nov 28\n" + TWO + b">From me\n"
    )
    first, second = mails_of(BytesIO(mbox))
    assert first.strip() == ONE.strip()
    assert second == TWO + b"From me\n"


def test_a_line_that_begins_with_from_within_a_text_ends_nothing() -> None:
    mbox = b"From a@b.example\nSubject: x\n\nHello.\nFrom here on it rains.\n"
    assert len(list(mails_of(BytesIO(mbox)))) == 1


def test_a_maildir_has_new_and_read_mails_and_no_unfinished_ones(tmp_path: Path) -> None:
    for name, content in (("new/1", ONE), ("cur/2:2,S", TWO), ("tmp/3", b"half")):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    assert list(mails_in(tmp_path)) == [ONE, TWO]


def test_a_folder_has_its_eml_files_in_order(tmp_path: Path) -> None:
    for name, content in (("b.eml", TWO), ("a.EML", ONE), ("expected.json", b"{}")):
        (tmp_path / name).write_bytes(content)
    assert list(mails_in(tmp_path)) == [ONE, TWO]


def test_of_a_large_mail_the_beginning_is_read(tmp_path: Path) -> None:
    (tmp_path / "large.eml").write_bytes(ONE + b"x" * (2 * MAX_MAIL))
    (mail,) = mails_in(tmp_path / "large.eml")
    assert len(mail) == MAX_MAIL
    (mail,) = mails_of(BytesIO(b"From a@b.example\n" + ONE + b"x\n" * MAX_MAIL))
    assert len(mail) <= MAX_MAIL + 2


def test_nothing_is_no_mail() -> None:
    assert list(mails_of(BytesIO(b""))) == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        list(mails_in(tmp_path / "nowhere"))


def test_a_mail_that_is_moved_while_a_maildir_is_read_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in "abc":
        (tmp_path / "new" / name).write_bytes(ONE)
    mails = mails_in(tmp_path)
    assert next(mails) == ONE
    (tmp_path / "new" / "b").unlink()
    assert list(mails) == [ONE]


def test_a_pipe_is_read_to_its_end() -> None:
    """Postfix takes it for a failure of the command when it cannot write all of a mail, and tries again for days."""
    pipe = BytesIO(ONE + b"x" * (3 * MAX_MAIL))
    (mail,) = mails_of(pipe)
    assert len(mail) == MAX_MAIL
    assert pipe.read() == b""
