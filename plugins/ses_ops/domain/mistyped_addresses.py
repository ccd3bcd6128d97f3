"""Addresses that are probably mistyped: valid, with a misspelt domain of a large provider.

The misspelt domains are data (mistyped_domains.txt). Such an address is warned of, never refused and never changed:
only its owner knows whether it is right.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

#: Number of addresses that a warning names; the count is of all.
SHOWN = 100
_LIST = Path(__file__).with_name("mistyped_domains.txt")


class DoubtfulAddress(NamedTuple):
    """A probably mistyped address, its line in the file, and the domain that is probably meant."""

    line: int
    address: str
    meant: str


@cache
def mistyped_domains() -> dict[str, str]:
    """The domains that are meant, by their misspelt forms; all in lower case."""
    found: dict[str, str] = {}
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            meant, _, mistakes = line.partition(":")
            found |= dict.fromkeys(mistakes.split(), meant.strip())
    return found


def domain_meant(address: str) -> str | None:
    """The domain that is probably meant by the domain of an address; None when that looks right."""
    return mistyped_domains().get(address.rpartition("@")[2].lower())


class DoubtfulAddresses:
    """Counts the probably mistyped addresses of a file and keeps the first 100. One look-up a row."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[DoubtfulAddress] = []
        self._meant = mistyped_domains().get

    def look(self, line: int, address: str, key: str) -> None:
        """Check an address; `key` is its key (`Address.key`)."""
        meant = self._meant(key.rpartition("@")[2])
        if meant is not None:
            self.count += 1
            if len(self.first) < SHOWN:
                self.first.append(DoubtfulAddress(line, address, meant))
