"""The delimiter of a CSV file, found out from its first line."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from ses_ops.audience.csv.header import named_delimiter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The possible delimiters, most frequent first: of a tie the first counts.
DELIMITERS = (",", ";", "\t", "|")
#: Number of bytes that are read to find the first line; a header is shorter.
_HEAD = 64 * 1024
_QUOTED = re.compile(rb'"[^"]*"')


def guess_delimiter(blocks: Iterable[bytes]) -> tuple[str, Iterator[bytes]]:
    """The delimiter that the first line names (`sep=;`) or has most often; then all blocks, the read ones included."""
    rest, head = iter(blocks), b""
    for block in rest:
        head += block
        if b"\n" in head.lstrip() or len(head) > _HEAD:
            break
    line = re.split(rb"[\r\n]", head.lstrip(b"\r\n "), maxsplit=1)[0]
    if named := named_delimiter(line.decode(errors="replace")):
        return named, chain([head], rest)
    first = _QUOTED.sub(b"", line)
    return max(DELIMITERS, key=lambda one: first.count(one.encode())), chain([head], rest)
