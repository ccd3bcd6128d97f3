"""The budget of one rendering: units of work, and CPU time.

A list of allowed nodes does not bound the time of a template, and a counter of loop turns does not either: a filter
over a text of 100 kB is a loop, too. So `spend` counts every turn of a loop, every operation, and every text and list
that a rendering makes, in one unit, and compares the CPU time with its limit at each count. An unexpectedly slow
operation ends the rendering as soon as the operation itself has ended. A mail of 70 kB with a table of 1 000 rows takes
1.5 of the 10 million units, and 30 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, thread_time
from typing import Any

from jinja2.exceptions import SecurityError

from ses_ops.errors import Explanation

#: Units of one part of one message. A unit is a character of a text that a rendering makes or outputs.
MAX_WORK = 10_000_000
#: Units of a turn of a loop, of an operation, of an output value, and of an item of a list: at most 200 000 of these.
STEP = 50
#: Seconds of CPU time of one part of one message. Ten million units of usual operations take 0.2 s.
MAX_SECONDS = 1.0
#: Characters of a text that an operation takes or makes. A whole part may have more, because no operation takes it.
MAX_TEXT = 200_000
#: Characters of a whole part, as many as a message may have bytes.
MAX_PART = 4 * 1024 * 1024
#: Bits of the largest number that Python writes in digits (sys.get_int_max_str_digits).
MAX_BITS = 14_000
#: The classes of values that hold other values.
LISTS: tuple[Any, ...] = (list, tuple, dict, set, frozenset, type({}.keys()), type({}.values()), type({}.items()))


class _Budget:
    """The units and the time that one rendering has left."""

    __slots__ = ("cpu_end", "end", "units")

    def __init__(self, units: int, seconds: float) -> None:
        self.units = units
        # CPU time is never more than wall clock time, and the wall clock is read ten times as fast.
        self.end = monotonic() + seconds
        self.cpu_end = thread_time() + seconds


_budget: ContextVar[_Budget] = ContextVar("_budget")
#: Raises LookupError when nothing is being rendered.
check_rendering = _budget.get


@contextmanager
def budget(work: int | None = None, seconds: float | None = None) -> Iterator[None]:
    """Give the rendering in the `with` block a budget. Without a budget `spend` raises, so no operation runs."""
    token = _budget.set(_Budget(work or MAX_WORK, seconds or MAX_SECONDS))
    try:
        yield
    finally:
        _budget.reset(token)


def spend(units: int) -> bool:
    """Take units from the budget; always true. Raises SecurityError with none left, LookupError without a budget."""
    left = _budget.get()
    left.units -= units
    if left.units < 0 or (monotonic() > left.end and thread_time() > left.cpu_end):
        raise SecurityError(Explanation("too_much_work").sentence)
    return True


def size(value: Any) -> int:
    """Units of a value: the characters of a text; for a list or a dictionary its items, with all values inside of them.

    The walk ends at the size of a whole budget: a list in which each item is the same inner list, several levels deep,
    has an exponential number of values.
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
    """Raise SecurityError when an operation would make a text that is too long."""
    if characters > MAX_TEXT:
        raise SecurityError(Explanation("text_too_large", most=MAX_TEXT).sentence)


def check_number(value: Any) -> None:
    """Raise SecurityError for a number whose arithmetic is slow."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise SecurityError(Explanation("number_too_large").sentence)
