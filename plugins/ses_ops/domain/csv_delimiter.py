"""What stands between the columns of a CSV file, found out from its first line."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: By what programs write most: a tie goes to the first.
DELIMITERS = (",", ";", "\t", "|")
#: Bytes that are looked at; a header is shorter.
_HEAD = 64 * 1024
_QUOTED = re.compile(rb'"[^"]*"')


def guess_delimiter(blocks: Iterable[bytes]) -> tuple[str, Iterator[bytes]]:
    """The delimiter that the first line has most of, and the blocks, none of them lost."""
    rest, head = iter(blocks), b""
    for block in rest:
        head += block
        if b"\n" in head.lstrip() or len(head) > _HEAD:
            break
    first = _QUOTED.sub(b"", re.split(rb"[\r\n]", head.lstrip(), maxsplit=1)[0])
    return max(DELIMITERS, key=lambda one: first.count(one.encode())), chain([head], rest)
