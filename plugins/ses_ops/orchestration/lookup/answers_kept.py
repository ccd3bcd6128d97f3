"""Answers that are good for some seconds: a page asks at every request what a look-up costs money or 100 ms for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from ses_ops.errors import LookUpFailed

#: Seconds after which a changed connection is seen.
KEPT_FOR = 5.0
#: Seconds that others wait for the thread that asks. A secrets backend that hangs must not hold up all threads of
#: Airflow's api-server.
PATIENCE = 5.0
#: Answers that are kept at most; there are a handful of questions.
MOST = 100


class AnswersKept:
    """One thread asks, all others that want the same wait for its answer. An error is an answer too.

    Raises LookUpFailed for those who waited for longer than `patience` seconds.
    """

    def __init__(self, *, kept_for: float = KEPT_FOR, patience: float = PATIENCE) -> None:
        self._kept_for = kept_for
        self._patience = patience
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Answer] = {}

    def get(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """The answer of `ask`, or the one that it gave less than `kept_for` seconds ago."""
        with self._lock:
            answer = self._kept.get(key)
            if answer is None:
                if len(self._kept) >= MOST:
                    self._kept.clear()
                answer = self._kept[key] = _Answer()
        return answer.get(ask, self._kept_for, self._patience)


class _Answer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good_until = 0.0
        self._value: Any = None
        self._problem: Exception | None = None

    def get(self, ask: Callable[[], Any], kept_for: float, patience: float) -> Any:
        if not self._lock.acquire(timeout=patience):
            raise LookUpFailed("airflow_did_not_answer", seconds=patience)
        try:
            if time.monotonic() >= self._good_until:
                self._value, self._problem = None, None
                try:
                    self._value = ask()
                except Exception as problem:
                    self._problem = problem
                self._good_until = time.monotonic() + kept_for
            if self._problem is not None:
                # Without the traceback of the thread that asked, which would grow with every raise.
                raise self._problem.with_traceback(None)
            return self._value
        finally:
            self._lock.release()
