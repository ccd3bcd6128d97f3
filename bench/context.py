"""The context of a measure: sizes, progress, a database server, a stack.

Server and stack start at first use.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.database import BenchServer, bench_server
from bench.sizes import Sizes

if TYPE_CHECKING:
    from bench.airflow_stack import AirflowStack


class NotMeasured(Exception):
    """A measure is skipped; the text says why."""


class Bench:
    """One run of the benchmark, a context manager: at its end every started server is stopped."""

    def __init__(
        self, sizes: Sizes, *, tell: Callable[[str], None] | None = None, server: BenchServer | None = None
    ) -> None:
        """`server` is used in place of a new database server, and left running."""
        self.sizes = sizes
        self._tell = tell or _to_stderr
        self._began = time.monotonic()
        self._server = server
        self._stack: AirflowStack | None = None
        self._to_close = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *problem: object) -> None:
        self._to_close.close()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float:
        """Seconds that a measure which begins now may take."""
        return min(self.sizes.measure_within, self.sizes.over_within - self.seconds)

    def progress(self, what: str) -> None:
        """Report the step that is being done now."""
        self._tell(f"{self.seconds:5.0f} s  {what}")

    @property
    def server(self) -> BenchServer:
        """The database server, started at first use."""
        if self._server is None:
            self._server = self._to_close.enter_context(bench_server())
        return self._server

    @property
    def stack(self) -> AirflowStack:
        """A stack as `make run` starts it, warmed up. Raises NotMeasured in a quick run without time for it."""
        if self._stack is None:
            from bench.airflow_stack import airflow_stack

            if self.seconds > self.sizes.stack_begins_within:
                raise NotMeasured(f"{self.seconds:.0f} s have passed: a whole stack does not fit into a quick run")
            self.progress("starting PostgreSQL and Airflow …")
            self._stack = self._to_close.enter_context(airflow_stack())
            self.progress("a first mailing, to warm the stack up …")
            self._stack.warm_up()
        return self._stack


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
