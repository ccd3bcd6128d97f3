"""How much one rendering may do: its loops, calls and filters, and the texts and lists that it makes, are paid for.

A unit is about a tenth of a microsecond, or a character. A mail of 100 kB with a table of 1 000 rows takes one million.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2.exceptions import SecurityError

#: Units of one part of one message: a second at most.
MAX_WORK = 10_000_000
#: Units of a turn of a loop, a call, a filter, a value that is put out, an item of a list: 200 000 of them at most.
STEP = 50
#: Characters of a text that is made while rendering. A whole part may have more: it is put together at the end.
MAX_TEXT = 200_000
#: Characters of a whole part, as many as a message may have bytes.
MAX_PART = 4 * 1024 * 1024
#: Bits of a number: what Python agrees to write in digits.
MAX_BITS = 14_000
_TOO_MUCH = "it does too much work: too many turns of loops, calls, filters, or too long texts and lists"
#: What holds other values.
LISTS: tuple[Any, ...] = (list, tuple, dict, set, frozenset, type({}.keys()), type({}.values()), type({}.items()))

_left: ContextVar[list[int]] = ContextVar("_left")


@contextmanager
def budget() -> Iterator[None]:
    """What is rendered in the `with` may spend MAX_WORK. Outside of it nothing may be spent, so nothing is computed."""
    token = _left.set([MAX_WORK])
    try:
        yield
    finally:
        _left.reset(token)


def spend(units: int) -> bool:
    """Pay, or raise SecurityError when nothing is left; LookupError when nothing is being rendered. Always true."""
    left = _left.get()
    left[0] -= units
    if left[0] < 0:
        raise SecurityError(_TOO_MUCH)
    return True


def size(value: Any) -> int:
    """Units of a value: the characters of a text; for a list or a dictionary its items and all that they hold."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, int):
        return 1 + value.bit_length() // 8
    if isinstance(value, range):
        return len(value)
    if isinstance(value, LISTS):
        return _size_of_all(value)
    return 1


def _size_of_all(value: Any) -> int:
    """A list that twice holds a list that twice holds a list is endless: the walk ends when nobody could pay for it."""
    total = 0
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, LISTS):
            total += STEP * (1 + len(one))
            if total > MAX_WORK:
                break
            waiting += [*one, *one.values()] if isinstance(one, dict) else one
        else:
            total += size(one)
        if total > MAX_WORK:
            break
    return total


def room_for(characters: int) -> None:
    """Raise SecurityError before a text is made that is too long."""
    if characters > MAX_TEXT:
        raise SecurityError(f"it would make a text of more than {MAX_TEXT} characters")


def made(value: Any) -> Any:
    """Pay for a value that was just made, and give it back."""
    if isinstance(value, str):
        room_for(len(value))
    elif isinstance(value, int):
        check_number(value)
    spend(size(value))
    return value


def check_number(value: Any) -> None:
    """Raise SecurityError for a number that takes long to compute with."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise SecurityError("a number is too large")
