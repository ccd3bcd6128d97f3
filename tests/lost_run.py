"""A run that is lost fails: no test is waited for longer than its time limit allows, whatever keeps it.

pytest-timeout ends a test from within, by an exception in its main thread. That helps nobody when this thread is busy
in C, or runs something else than pytest. Then the interpreter's own watchdog, which needs neither, prints the stack of
every thread and ends the process.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator

import pytest

#: Seconds beyond a test's own limit, in which pytest-timeout has ended it, and what ends with it has ended.
AFTER_ITS_LIMIT = 180.0
#: Seconds for whatever is no test: collecting, the fixtures' end, the report.
NO_TEST = 600.0


class LostRun:
    """The watchdog of this process."""

    def __init__(self, config: pytest.Config) -> None:
        self._off = config.getoption("usepdb") or config.getoption("trace")
        # Ours as long as the process lives: capturing replaces number 2.
        self._stderr = os.dup(2)
        self._watch(NO_TEST)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Its limit counts from now on, its fixtures included."""
        limit = _limit_of(item)
        self._watch(limit + AFTER_ITS_LIMIT if limit else 0)
        result = yield
        self._watch(NO_TEST)
        return result

    def pytest_unconfigure(self) -> None:
        """What follows is the interpreter's end, and the guard's (run_guard.py), which has limits of its own."""
        faulthandler.cancel_dump_traceback_later()

    def _watch(self, seconds: float) -> None:
        faulthandler.cancel_dump_traceback_later()
        if seconds and not self._off:
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._stderr)


def _limit_of(item: pytest.Item) -> float:
    """Seconds; 0 for none. As pytest-timeout has it: the test's mark, the option, the setting."""
    mark = item.get_closest_marker("timeout")
    if mark is not None:
        return float(mark.args[0] if mark.args else mark.kwargs["timeout"])
    given = item.config.getoption("timeout", None)
    return float(item.config.getini("timeout") if given is None else given)
