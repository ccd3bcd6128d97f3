"""The budget of one rendering: a counter of turns and of what they make, and a clock.

A list of allowed nodes alone bounds nothing, and neither does a counter of turns: a filter over a text of 100 kB is a
loop, too. So every turn of a loop, every operation, every text and list that is made is counted in one unit, by one
function, `spend`; and whenever something is counted, it looks how much CPU time the rendering has taken. An operation
that nobody knew to be slow ends the rendering when it has ended itself. A mail of 70 kB with a table of 1 000 rows
takes one and a half of the ten million units and 30 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, thread_time
from typing import Any

from jinja2.exceptions import SecurityError

from ses_ops.errors import Explanation

#: Units of one part of one message. A unit is a character that is made or put out, or a piece of a STEP.
MAX_WORK = 10_000_000
#: Units of a turn of a loop, an operation, a value that is put out, an item of a list: 200 000 of them at most.
STEP = 50
#: Seconds of CPU time of one part of one message. Ten million units of usual operations take a fifth of that.
MAX_SECONDS = 1.0
#: Characters of a text that an operation takes or makes. A whole part may have more: it is put together at the end.
MAX_TEXT = 200_000
#: Characters of a whole part, as many as a message may have bytes.
MAX_PART = 4 * 1024 * 1024
#: Bits of a number: what Python agrees to write in digits.
MAX_BITS = 14_000
#: The classes of values that hold other values.
LISTS: tuple[Any, ...] = (list, tuple, dict, set, frozenset, type({}.keys()), type({}.values()), type({}.items()))


class _Budget:
    """What one rendering has left."""

    __slots__ = ("cpu_end", "end", "units")

    def __init__(self) -> None:
        self.units = MAX_WORK
        # CPU time is never more than time, which is read ten times as fast.
        self.end = monotonic() + MAX_SECONDS
        self.cpu_end = thread_time() + MAX_SECONDS


_budget: ContextVar[_Budget] = ContextVar("_budget")
#: Raises LookupError when nothing is being rendered.
check_rendering = _budget.get


@contextmanager
def budget() -> Iterator[None]:
    """A rendering in the `with` has a budget. Outside of one nothing can be spent, so nothing is computed."""
    token = _budget.set(_Budget())
    try:
        yield
    finally:
        _budget.reset(token)


def spend(units: int) -> bool:
    """Pay; always true. Raises SecurityError when nothing is left, LookupError when nothing is being rendered."""
    left = _budget.get()
    left.units -= units
    if left.units < 0 or (monotonic() > left.end and thread_time() > left.cpu_end):
        raise SecurityError(Explanation("too_much_work").sentence)
    return True


def size(value: Any) -> int:
    """Units of a value: the characters of a text; for a list or a dictionary its items and all that they hold.

    A list that twice holds a list that twice holds a list is endless: the walk ends when nobody could pay for it.
    """
    total = 0
    waiting: list[Any] = [value]
    while waiting and total <= MAX_WORK:
        one = waiting.pop()
        if isinstance(one, str | range):
            total += len(one)
        elif isinstance(one, LISTS):
            total += STEP * (1 + len(one))
            if total <= MAX_WORK:
                waiting += [*one, *one.values()] if isinstance(one, dict) else one
        else:
            total += 1 + (one.bit_length() // 8 if isinstance(one, int) else 0)
    return total


def room_for(characters: int) -> None:
    """Raise SecurityError before a text is made that is too long."""
    if characters > MAX_TEXT:
        raise SecurityError(Explanation("text_too_large", most=MAX_TEXT).sentence)


def check_number(value: Any) -> None:
    """Raise SecurityError for a number that takes long to compute with."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise SecurityError(Explanation("number_too_large").sentence)
