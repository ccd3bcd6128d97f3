"""Repetitions in the JSON of the quota Variable: keys, and domains in two spellings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any


class RepeatedKeys(dict[str, Any]):
    """An object of the Variable's JSON that has a key more than once; `pairs` has every key with its value."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def repeated(self) -> list[str]:
        """The keys that the object has more than once."""
        return [key for key, count in Counter(key for key, _ in self.pairs).items() if count > 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeveralEntries:
    """The several entries that the Variable has for one domain, in the place of one entry."""

    #: The names of the domain as the Variable has them.
    names: tuple[str, ...]
    entries: tuple[Any, ...]


def quota_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object made of its pairs (an `object_pairs_hook`): a RepeatedKeys when a key stands twice.

    JSON allows a key to stand twice, and Python would silently take its last value.
    """
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepeatedKeys(pairs)


def several_entries(found: list[tuple[str, Any]]) -> SeveralEntries:
    """Make SeveralEntries of pairs of name and entry."""
    return SeveralEntries(names=tuple(name for name, _ in found), entries=tuple(entry for _, entry in found))
