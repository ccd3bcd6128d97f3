"""A measure that takes too long is ended, so that a run ends when it says so and a hang costs only one measure."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(Exception):
    """The block had no time left."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block after so many seconds, whatever it waits for; in the main thread only.

    A call of C that does not return to Python, such as a statement of psycopg2, is waited for.
    """
    if seconds <= 0:
        raise OutOfTime("no time was left for it")

    def ring(signal_number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"it was ended after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
