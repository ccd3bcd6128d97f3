"""The encoding of a CSV file: found out by rules, never guessed silently.

- A byte order mark, the NUL bytes of UTF-16 and UTF-32, and the escape sequences of ISO-2022 leave no doubt: such a
  file is read.
- UTF-8 is read. A few bytes that are not UTF-8 cost only their rows; when most of the characters beyond ASCII are not
  UTF-8, the whole file has another encoding and is refused. The error shows a line read in the likely encoding, and a
  person decides.
- HZ and UTF-7 look like ASCII. They are refused by name, and read when a person names them.

The decision is made before the first bytes beyond ASCII are handed on, so no file is read in two encodings.
"""

from __future__ import annotations

import codecs
import re
from itertools import chain
from typing import TYPE_CHECKING

from ses_ops.audience.csv.encoding_signs import (
    ISO_2022,
    LONGEST_ESCAPE,
    iso_2022_of,
    likely_encoding,
    python_codec,
    seven_bit_encoding,
    unmistakable_encoding,
)
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.formats import refuse_other_format
from ses_ops.errors import BadCsv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Number of bytes that the decision is made by: at the beginning of a file, and from the first byte beyond ASCII on.
HEAD = 64 * 1024
#: Bytes that are not UTF-8, as "surrogateescape" decodes them (a damaged letter leaves at most three); then letters.
_NOT_DECODED, _DECODED = re.compile("[\udc80-\udcff]{1,3}"), re.compile("[^\x00-\x7f\udc80-\udcff]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
#: The end mark of DOS and CP/M, which filled the last sector of a file with it.
_END_MARK = re.compile(rb"\x1a[\x1a\r\n\0]*\Z")
_MARK = codecs.BOM_UTF8


def in_large_blocks(blocks: Iterable[bytes], size: int = HEAD) -> Iterator[bytes]:
    """The same bytes in blocks of `size` or more, so that a file that comes byte by byte is not searched repeatedly."""
    gathered = bytearray()
    for block in blocks:
        gathered += block
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def as_utf8(
    blocks: Iterable[bytes],
    *,
    where: str,
    encoding: str | None = None,
    found: Callable[[str], None] | None = None,
) -> Iterator[bytes]:
    """The blocks of a file as UTF-8, without byte order mark and end mark. Raises BadCsv when that is not possible.

    `found` is called with the encoding as soon as it is decided, and never when the whole file is ASCII.
    """
    told = found or (lambda _: None)
    head, rest = _gathered(in_large_blocks(blocks), HEAD)
    refuse_other_format(head, where)
    everything = chain([head], rest)
    codec = python_codec(encoding) if encoding else unmistakable_encoding(head) or iso_2022_of(head)
    if codec is None:
        named = seven_bit_encoding(head)
        if named is not None:
            raise _refused(named, where)
        text = _ascii_first(everything, where, told)
    else:
        told(codec)
        text = everything if codec == "utf-8" else _decoded(everything, codec, where)
    return _without_marks(text)


def _gathered(blocks: Iterator[bytes], size: int, begun: bytes = b"") -> tuple[bytes, Iterator[bytes]]:
    """Exactly the first `size` bytes, or all of a shorter file, whatever the blocks; then the blocks that follow."""
    found = bytearray(begun)
    while len(found) < size and (block := next(blocks, None)) is not None:
        found += block
    return bytes(found[:size]), chain([bytes(found[size:])] if len(found) > size else [], blocks)


def _ascii_first(blocks: Iterator[bytes], where: str, told: Callable[[str], None]) -> Iterator[bytes]:
    """Pass ASCII on; the first byte beyond ASCII, or the first escape sequence, decides the encoding of the rest."""
    line, kept = 1, b""
    for block in blocks:
        data = kept + block
        beyond = None if data.isascii() else _BEYOND_ASCII.search(data)
        before = data[: beyond.start()] if beyond else data
        escape = ISO_2022.search(before)
        if escape:
            yield before[: escape.start()]
            after, rest = _gathered(blocks, HEAD, data[escape.start() :])
            codec = iso_2022_of(after)
            if codec is None and after.isascii():
                raise _refused(seven_bit_encoding(after) or "ISO-2022", where)
            told(codec or "utf-8")
            line += before.count(b"\n", 0, escape.start())
            yield from _decoded(chain([after], rest), codec, where, line=line) if codec else chain([after], rest)
            return
        if beyond:
            yield before
            sample, rest = _gathered(blocks, HEAD, data[beyond.start() :])
            _refuse_other_encoding(sample, before.rpartition(b"\n")[2], where, line + before.count(b"\n"))
            told("utf-8")
            yield sample
            yield from rest
            return
        # An escape sequence may continue in the next block.
        cut = data.find(b"\x1b", max(0, len(data) - LONGEST_ESCAPE))
        ready, kept = (data, b"") if cut < 0 else (data[:cut], data[cut:])
        line += ready.count(b"\n")
        yield ready
    yield kept


def _refuse_other_encoding(sample: bytes, line_before: bytes, where: str, line: int) -> None:
    """Raise BadCsv when most of the characters beyond ASCII are not UTF-8."""
    text, _ = codecs.utf_8_decode(sample, "surrogateescape", len(sample) < HEAD)
    bad = [found.start() for found in _NOT_DECODED.finditer(text)]
    if len(bad) <= len(_DECODED.findall(text)):
        return
    line += text.count("\n", 0, bad[0])
    byte = f"0x{ord(text[bad[0]]) - 0xDC00:02X}"
    row = (line_before + sample).splitlines()[text.count("\n", 0, bad[0])]
    likely = likely_encoding(line_before + sample)
    shown = row[:200].decode(likely, errors="replace")
    raise BadCsv(
        CsvFault.OTHER_ENCODING,
        where=where,
        line=line,
        byte=byte,
        encoding=likely,
        shown=shown,
    )


def _decoded(blocks: Iterable[bytes], codec: str, where: str, *, line: int = 1) -> Iterator[bytes]:
    """Blocks of another encoding as UTF-8. Raises BadCsv at the first bytes that the encoding does not have."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for block in blocks:
            text = decoder.decode(block)
            line += text.count("\n")
            yield text.encode()
        yield decoder.decode(b"", True).encode()
    except UnicodeDecodeError as cause:
        line += cause.object.count(b"\n", 0, cause.start)
        raise BadCsv(
            CsvFault.NOT_IN_ENCODING,
            where=where,
            encoding=codec,
            line=line,
        ) from cause


def _without_marks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks without an end mark, and without byte order marks at the beginning.

    (There may be several byte order marks: programs that append to a file write a second one.)
    """
    kept, beginning = b"", True
    for block in blocks:
        data = kept + block
        if beginning:
            if len(data) < len(_MARK) and _MARK.startswith(data):
                kept = data
                continue
            while data.startswith(_MARK):
                data = data[len(_MARK) :]
            kept = data if _MARK.startswith(data) else b""
            if kept:
                continue
            beginning = False
        found = _END_MARK.search(data) if b"\x1a" in data else None
        yield data[: found.start()] if found else data
        kept = data[found.start() :] if found else b""
    yield b"" if _END_MARK.fullmatch(kept) else kept


def _refused(name: str, where: str) -> BadCsv:
    return BadCsv(
        CsvFault.ENCODING,
        where=where,
        encoding=name,
    )
