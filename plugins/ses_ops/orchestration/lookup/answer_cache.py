"""A cache of answers for some seconds.

A page needs an answer at every request for which a look-up costs money or 100 ms.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from ses_ops.errors import LookUpFailed

#: Seconds after which a changed connection is noticed.
KEPT_FOR = 5.0
#: Seconds that other threads wait for the thread that asks: a secrets backend that hangs must not block all threads of
#: Airflow's api-server.
TIMEOUT = 5.0
#: Largest number of kept answers; there are a handful of questions.
MAX_ANSWERS = 100


class AnswerCache:
    """Keeps answers. One thread asks, and all other threads with the same question wait for the answer.

    An error is an answer too. A thread that waited for longer than `timeout` seconds gets LookUpFailed.
    """

    def __init__(self, *, kept_for: float = KEPT_FOR, timeout: float = TIMEOUT) -> None:
        self._kept_for = kept_for
        self._timeout = timeout
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Answer] = {}

    def get(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """The answer of `ask`, or the answer that it gave less than `kept_for` seconds ago."""
        with self._lock:
            answer = self._kept.get(key)
            if answer is None:
                if len(self._kept) >= MAX_ANSWERS:
                    self._kept.clear()
                answer = self._kept[key] = _Answer()
        return answer.get(ask, self._kept_for, self._timeout)


class _Answer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good_until = 0.0
        self._value: Any = None
        self._problem: Exception | None = None

    def get(self, ask: Callable[[], Any], kept_for: float, timeout: float) -> Any:
        if not self._lock.acquire(timeout=timeout):
            raise LookUpFailed("airflow_did_not_answer", seconds=timeout)
        try:
            if time.monotonic() >= self._good_until:
                self._value, self._problem = None, None
                try:
                    self._value = ask()
                except Exception as problem:
                    self._problem = problem
                self._good_until = time.monotonic() + kept_for
            if self._problem is not None:
                # The error is raised without the traceback of the thread that asked, which would grow with every raise.
                raise self._problem.with_traceback(None)
            return self._value
        finally:
            self._lock.release()
