"""Templates read and filled in by a process apart, which is ended when it takes too long or too much memory.

What a template does is bounded (budget.py), but a bound is no clock: one call into C that nobody thought of holds the
whole process, and an API server answers everybody. So the console calls `begin`, and from then on `call` hands its work
to one of a few processes that are kept for it. Everybody else (a sender, the command line) is a process of its own
already; there `call` is a plain call.

A process takes about 0.2 s to start, once; a call adds 0.05 ms to what it does (measured on two shared cores).
"""

from __future__ import annotations

import os
import pickle
import queue
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, TypeVar

from ses_ops.errors import SesError, TemplateError

T = TypeVar("T")

#: Seconds that a call may take. The largest template that is accepted takes about three on a fast machine.
LONGEST = 20.0
#: Seconds that a process may take to start.
START = 60.0
#: Bytes of memory of such a process; without a template it has about 200 MB of address space.
MOST_MEMORY = 1 << 30
#: Processes: a template that takes long must not hold up the others.
PROCESSES = 2
#: Seconds that a call waits for one of them to be free.
PATIENCE = 10.0
#: Seconds in which a template that was stopped is not tried again: each try takes a process for LONGEST.
PENALTY = 60.0


class _Process:
    """One of the processes."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        plugins = str(Path(__file__).resolve().parents[2])
        # Nothing of our environment: a template has no use for passwords.
        environment = {"PYTHONPATH": plugins, "PATH": os.defpath, "LANG": "C.UTF-8"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ses_ops.rendering.apart", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
            )
        self._connection = ours
        if not ours.poll(START):
            self.end()
            raise TimeoutError
        ours.recv_bytes()

    def ask(self, order: bytes, longest: float) -> bytes:
        """Its answer; raises TimeoutError, EOFError or OSError, and is of no use any more then."""
        self._connection.send_bytes(order)
        if not self._connection.poll(longest):
            raise TimeoutError
        return self._connection.recv_bytes()

    def end(self) -> None:
        """Kill it."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


class _Processes:
    """Those of this process, started when they are needed."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._free: queue.LifoQueue[_Process | None] = queue.LifoQueue()
        for _ in range(PROCESSES):
            self._free.put(None)
        #: Templates that were stopped, and until when they are not tried again.
        self._stopped: dict[str, float] = {}

    def call(self, order: bytes, template: str) -> bytes:
        """Raises TemplateError when it takes too long, or needs too much memory."""
        if self._stopped.get(template, 0.0) > time.monotonic():
            raise TemplateError("template_takes_too_long", template=template)
        try:
            process = self._free.get(timeout=PATIENCE)
        except queue.Empty:
            raise TemplateError("templates_being_read", template=template) from None
        try:
            process = process or _Process()
            answer = process.ask(order, LONGEST)
        except BaseException as cause:
            if process is not None:
                process.end()
            process = None
            if not isinstance(cause, TimeoutError | EOFError | OSError):
                raise
            self._stopped[template] = time.monotonic() + PENALTY
            raise TemplateError("template_takes_too_long", template=template) from cause
        finally:
            self._free.put(process)
        return answer

    def end(self) -> None:
        """End them all."""
        for _ in range(PROCESSES):
            process = self._free.get(timeout=LONGEST + PATIENCE)
            if process is not None:
                process.end()


_lock = threading.Lock()
_processes: _Processes | None = None


def begin() -> None:
    """From now on this process leaves templates to others."""
    global _processes  # noqa: PLW0603
    with _lock:
        if _processes is None:
            _processes = _Processes()


def end() -> None:
    """End the processes, and look at templates in this one again."""
    global _processes
    with _lock:
        ended, _processes = _processes, None
    if ended is not None and ended.owner == os.getpid():
        ended.end()


def call(template: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """What a function of a module returns, or a SesError that it raises. Its arguments and result must be plain values.

    Raises TemplateError naming `template` when that takes too long.
    """
    processes = _ours()
    if processes is None:
        return function(*args, **kwargs)
    answer = processes.call(pickle.dumps((function, args, kwargs)), template)
    # From a process of ours that ran code of ours.
    fine, value = pickle.loads(answer)  # noqa: S301
    if fine:
        result: T = value
        return result
    if isinstance(value, Exception):
        raise value
    raise TemplateError("template_takes_too_long", template=template)


def _ours() -> _Processes | None:
    """A server that forks has none of its parent's."""
    global _processes  # noqa: PLW0603
    if _processes is not None and _processes.owner != os.getpid():
        with _lock:
            _processes = _Processes()
    return _processes


# --- the other side


def _answer(order: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(order)  # noqa: S301
        return pickle.dumps((True, function(*args, **kwargs)))
    except SesError as problem:
        return pickle.dumps((False, problem))
    except MemoryError:
        return pickle.dumps((False, None))
    except Exception as problem:  # a mistake of ours: whoever asked shall fail as if it had made it itself
        return pickle.dumps((False, RuntimeError(f"{type(problem).__name__}: {problem}")))


def _serve(connection: Connection) -> None:
    """Say that we are ready, and answer until whoever asks is gone."""
    from ses_ops.rendering import message, template  # noqa: F401 - what all calls need is here before the first

    connection.send_bytes(b"ready")
    while True:
        with suppress(ValueError):  # a limit that was lower before
            # When the asker dies in mid call, nobody else ends this.
            spent = resource.getrusage(resource.RUSAGE_SELF)
            seconds = int(spent.ru_utime + spent.ru_stime + 2 * LONGEST) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        try:
            order = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(_answer(order))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    _serve(Connection(int(sys.argv[1])))
