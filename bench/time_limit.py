"""A time limit for a measure, so that a hang costs only that measure."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(Exception):
    """The block took too long, or had no time left to begin."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block after `seconds`, whatever the block waits for; in the main thread only.

    A call of C that does not return to Python, such as a statement of psycopg2, delays the error until it returns.
    """
    if seconds <= 0:
        raise OutOfTime("no time was left for it")

    def end(signal_number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"it was ended after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
