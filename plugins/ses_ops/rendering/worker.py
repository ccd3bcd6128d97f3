"""Worker processes that read and fill in templates, each with a limit of time and memory.

`budget.py` bounds the steps of a template, but one step can be a call into C that blocks the whole process, and the API
server's process serves every person. So the console calls `begin`, and from then on `call` hands its work to a worker
process. In all other processes (a sender, the command line) `call` is a plain call of the function.

A worker takes about 0.2 s to start, once; a call of a worker takes 0.05 ms longer than a plain call (measured on two
shared cores).
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

#: Seconds that a call may take. The largest template that is accepted takes about 3 s on a fast machine.
LONGEST = 20.0
#: Seconds that a worker may take to start.
START = 60.0
#: Bytes of address space of a worker; without a template a worker has about 200 MB.
MOST_MEMORY = 1 << 30
#: Number of workers. There are several, so that a slow template does not delay the others.
WORKERS = 2
#: Seconds that a call waits for a free worker.
WAIT = 10.0
#: Seconds in which a template whose call was ended is refused, because each call of it occupies a worker for LONGEST.
PENALTY = 60.0


class _Worker:
    """A worker process, and the connection to it."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        plugins = str(Path(__file__).resolve().parents[2])
        # No variable of this process's environment, because some are passwords.
        environment = {"PYTHONPATH": plugins, "PATH": os.defpath, "LANG": "C.UTF-8"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ses_ops.rendering.worker", str(theirs.fileno())],
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
        """The worker's answer. After a TimeoutError, EOFError or OSError the worker cannot be used any more."""
        self._connection.send_bytes(order)
        if not self._connection.poll(longest):
            raise TimeoutError
        return self._connection.recv_bytes()

    def end(self) -> None:
        """Kill the process."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


class _Pool:
    """The workers of this process. A worker is started by the first call that finds no idle one."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(WORKERS):
            self._free.put(None)
        #: The end of the refusal by template, on the monotonic clock.
        self._refused: dict[str, float] = {}

    def call(self, order: bytes, template: str) -> bytes:
        """The answer of a worker. Raises TemplateError for a call that takes too long or needs too much memory."""
        if self._refused.get(template, 0.0) > time.monotonic():
            raise TemplateError("template_takes_too_long", template=template)
        try:
            worker = self._free.get(timeout=WAIT)
        except queue.Empty:
            raise TemplateError("templates_being_read", template=template) from None
        try:
            worker = worker or _Worker()
            answer = worker.ask(order, LONGEST)
        except BaseException as cause:
            if worker is not None:
                worker.end()
            worker = None
            if not isinstance(cause, TimeoutError | EOFError | OSError):
                raise
            self._refused[template] = time.monotonic() + PENALTY
            raise TemplateError("template_takes_too_long", template=template) from cause
        finally:
            self._free.put(worker)
        return answer

    def end(self) -> None:
        """End all workers."""
        for _ in range(WORKERS):
            worker = self._free.get(timeout=LONGEST + WAIT)
            if worker is not None:
                worker.end()


_lock = threading.Lock()
_pool: _Pool | None = None


def begin() -> None:
    """From now on `call` uses worker processes."""
    global _pool  # noqa: PLW0603
    with _lock:
        if _pool is None:
            _pool = _Pool()


def end() -> None:
    """End the workers; from now on `call` calls the function in this process."""
    global _pool
    with _lock:
        ended, _pool = _pool, None
    if ended is not None and ended.owner == os.getpid():
        ended.end()


def call(template: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call a function of a module in a worker. Arguments and result must be picklable.

    Raises the function's SesError, and TemplateError with the name `template` when the call takes too long.
    """
    pool = _own_pool()
    if pool is None:
        return function(*args, **kwargs)
    answer = pool.call(pickle.dumps((function, args, kwargs)), template)
    # The answer comes from our own process, which ran our own code.
    fine, value = pickle.loads(answer)  # noqa: S301
    if fine:
        result: T = value
        return result
    if isinstance(value, Exception):
        raise value
    raise TemplateError("template_takes_too_long", template=template)


def _own_pool() -> _Pool | None:
    """The pool of this process. After a fork the child has a pool of its own, because the workers are its parent's."""
    global _pool  # noqa: PLW0603
    if _pool is not None and _pool.owner != os.getpid():
        with _lock:
            _pool = _Pool()
    return _pool


# --- in the worker process


def _answer(order: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(order)  # noqa: S301
        return pickle.dumps((True, function(*args, **kwargs)))
    except SesError as problem:
        return pickle.dumps((False, problem))
    except MemoryError:
        return pickle.dumps((False, None))
    except Exception as problem:  # a mistake in our code: the call fails as it would without a worker
        return pickle.dumps((False, RuntimeError(f"{type(problem).__name__}: {problem}")))


def _serve(connection: Connection) -> None:
    """Send `ready`, then answer calls until the other end of the connection is closed."""
    from ses_ops.rendering import message, template  # noqa: F401 - every call needs them: imported before the first

    connection.send_bytes(b"ready")
    while True:
        with suppress(ValueError):  # a limit that was lower before
            # A bound for a worker whose parent has died during a call.
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
