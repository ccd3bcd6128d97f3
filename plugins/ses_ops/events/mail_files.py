"""Mails in files: single ones, mbox files (RFC 4155), Maildirs, and folders of .eml files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ses_ops.errors import InvalidInput

#: Octets of one mail that are read; the rest of a larger one is skipped.
MAX_MAIL = 1024 * 1024


def mails_in(path: Path) -> Iterator[bytes]:
    """The mails of a file or folder. Raises InvalidInput when it cannot be read."""
    try:
        if path.is_dir():
            for file in _files(path):
                try:
                    content = _beginning(file)
                except FileNotFoundError:  # a program of mail has moved it from `new` to `cur` or removed it
                    continue
                yield content
            return
        with path.open("rb") as opened:
            yield from mails_of(opened)
    except OSError as cause:
        raise InvalidInput("mail_file_not_read", where=str(path), cause=cause.strerror or cause) from cause


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder in the order of their names; of a Maildir the new and the read ones, none of `tmp`."""
    is_maildir = (folder / "cur").is_dir() or (folder / "new").is_dir()
    places = [folder / "new", folder / "cur"] if is_maildir else [folder]
    for place in places:
        if place.is_dir():
            for file in sorted(place.iterdir()):
                if file.is_file() and (is_maildir or file.suffix.lower() == ".eml"):
                    yield file


def _beginning(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_MAIL)


def mails_of(file: BinaryIO) -> Iterator[bytes]:
    """The mails of an open file: several if it begins as an mbox does, else the whole of it as one."""
    first = file.readline(MAX_MAIL)
    if not first.startswith(b"From "):
        if whole := (first + file.read(MAX_MAIL - len(first))):
            yield whole
        while file.read(MAX_MAIL):  # a mail server takes it for a failure when a pipe is not read to its end
            pass
        return
    lines: list[bytes] = []
    size, after_empty = 0, False
    while line := file.readline(MAX_MAIL):
        if after_empty and line.startswith(b"From "):
            yield b"".join(lines)
            lines, size = [], 0
        elif size < MAX_MAIL:
            lines.append(line[1:] if line.startswith(b">From ") else line)
            size += len(line)
        after_empty = not line.strip()
    if lines:
        yield b"".join(lines)
