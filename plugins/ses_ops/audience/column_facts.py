"""Facts of a group's columns: which have empty cells, and which have a word for no.

A template that tests such a column with `if` may mean another thing than it does: to Jinja2 an empty cell is false, and
the text "no" is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO = ("false", "no", "0", "off", "n", "f", "none", "null", "nil", "n/a", "nein", "non", "いいえ", "否")
#: Texts that mean no to a reader, while for Jinja2 every text that is not empty is true.
SAYS_NO = frozenset(written for word in _NO for written in (word, word.upper(), word.capitalize()))


class ColumnFacts:
    """Collects the facts while rows are stored; `variables` are the columns in the order of a row's values."""

    def __init__(self, variables: Sequence[str]) -> None:
        self._variables = variables
        self._empty: set[int] = set()
        self._no: set[int] = set()

    def add(self, values: Sequence[str]) -> None:
        """Note the empty cells of a row, and its cells with a word for no."""
        for place, value in enumerate(values):
            if not value:
                self._empty.add(place)
            elif value in SAYS_NO:
                self._no.add(place)

    @property
    def with_empty_cells(self) -> list[str]:
        return [self._variables[place] for place in sorted(self._empty)]

    @property
    def saying_no(self) -> list[str]:
        return [self._variables[place] for place in sorted(self._no)]
