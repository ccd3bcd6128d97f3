"""Reads of stored lists that never fail: a JSON column can hold anything, an array can hold NULL.

One row that was written by hand, or by another program, must not take down the pages that it is in.
"""

from __future__ import annotations


def stored_counts(value: object) -> tuple[tuple[str, int], ...]:
    """`[["bad address", 3], ...]` as it is stored; what is no such pair is left out."""
    pairs = value if isinstance(value, list) else []
    return tuple((one[0], one[1]) for one in pairs if _is_count(one))


def _is_count(one: object) -> bool:
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], int)


def stored_doubts(value: object) -> tuple[tuple[int, str, str], ...]:
    """`[[3, "anna@gmial.com", "gmail.com"], ...]` as it is stored; what is no such triple is left out."""
    triples = value if isinstance(value, list) else []
    return tuple((one[0], one[1], one[2]) for one in triples if _is_doubt(one))


def _is_doubt(one: object) -> bool:
    return isinstance(one, list) and [type(part) for part in one] == [int, str, str]


def stored_names(value: list[str | None] | None) -> tuple[str, ...]:
    """An array of names; NULL among them is an empty one."""
    return tuple(name or "" for name in value or ())
