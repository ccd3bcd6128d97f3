"""Addresses that can exist and are probably mistyped: their domain is one that people type for a large provider's.

The list is data (mistyped_domains.txt). What it holds is warned of, never refused and never changed: only the person
whose address it is knows it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

#: Addresses that a warning names; all are counted.
SHOWN = 100
_LIST = Path(__file__).with_name("mistyped_domains.txt")


class DoubtfulAddress(NamedTuple):
    """An address, the line of its file, and the domain that is probably meant."""

    line: int
    address: str
    meant: str


@cache
def mistyped_domains() -> dict[str, str]:
    """The domain that is meant, by the one that is typed; in lower case."""
    found: dict[str, str] = {}
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            meant, _, mistakes = line.partition(":")
            found |= dict.fromkeys(mistakes.split(), meant.strip())
    return found


def domain_meant(address: str) -> str | None:
    """The domain that is probably meant instead of an address's own; None when it looks right."""
    return mistyped_domains().get(address.rpartition("@")[2].lower())


class DoubtfulAddresses:
    """Counts the doubtful addresses of a file and keeps the first of them. One look-up a row."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[DoubtfulAddress] = []
        self._meant = mistyped_domains().get

    def look(self, line: int, address: str, key: str) -> None:
        """Look at an address; `key` is how it is compared (in lower case)."""
        meant = self._meant(key.rpartition("@")[2])
        if meant is not None:
            self.count += 1
            if len(self.first) < SHOWN:
                self.first.append(DoubtfulAddress(line, address, meant))
