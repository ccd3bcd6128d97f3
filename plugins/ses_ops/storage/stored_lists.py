"""Readers of stored lists that never fail.

A JSON column can hold anything, an array can hold NULL, and one row that was written by hand or by another program must
not break the pages that show it.
"""

from __future__ import annotations


def stored_counts(value: object) -> tuple[tuple[str, int], ...]:
    """Stored pairs such as `[["bad address", 3], ...]`; other items are left out."""
    pairs = value if isinstance(value, list) else []
    return tuple((one[0], one[1]) for one in pairs if _is_count(one))


def _is_count(one: object) -> bool:
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], int)


def stored_doubts(value: object) -> tuple[tuple[int, str, str], ...]:
    """Stored triples such as `[[3, "anna@gmial.com", "gmail.com"], ...]`; other items are left out."""
    triples = value if isinstance(value, list) else []
    return tuple((one[0], one[1], one[2]) for one in triples if _is_doubt(one))


def _is_doubt(one: object) -> bool:
    return isinstance(one, list) and [type(part) for part in one] == [int, str, str]


def stored_names(value: list[str | None] | None) -> tuple[str, ...]:
    """A stored array of names; NULL in it becomes an empty text."""
    return tuple(name or "" for name in value or ())
