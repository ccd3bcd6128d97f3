"""What the JSON of the quota Variable says twice: a key of an object, or a sender domain in two spellings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any


class RepeatedKeys(dict[str, Any]):
    """An object of the Variable's JSON that has a key twice; `pairs` has all of them."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def repeated(self) -> list[str]:
        """The keys that stand there more than once."""
        return [key for key, count in Counter(key for key, _ in self.pairs).items() if count > 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeveralEntries:
    """What stands in the place of a domain's entry when the Variable has several of them."""

    #: The names of the domain, as they are written there.
    names: tuple[str, ...]
    entries: tuple[Any, ...]


def quota_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a key stand twice, and Python would silently take the last one."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepeatedKeys(pairs)


def several_entries(found: list[tuple[str, Any]]) -> SeveralEntries:
    """Of pairs of name and entry."""
    return SeveralEntries(names=tuple(name for name, _ in found), entries=tuple(entry for _, entry in found))
