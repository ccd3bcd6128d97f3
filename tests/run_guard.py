"""Nothing that a run of the tests or of the benchmark started outlives it, whatever ends it.

SIGTERM and SIGHUP end a run as Ctrl-C does: everything is cleared away in order. Behind that stands a second process.
All that a run starts inherits a mark in its environment; when the run is over, or its process has gone (SIGKILL, a
crash), that second process ends whatever still bears the mark, with all below it.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

#: The variable with the marks of the runs that a process belongs to: a run may start another one.
MARK = "TEST_RUN_MARKS"
#: Seconds between two looks at the run's process; at 2, the guards of a whole run took half a minute of CPU.
_TICK = 5.0
#: Seconds that PostgreSQL has to stop at once by itself: killed, it would leave its shared memory behind.
_POSTGRES_PATIENCE = 5.0
#: Seconds after which what does not end, even by SIGKILL, is given up.
_GIVE_UP = 60.0
#: Folders that runs make with `mkdtemp`, removed with the processes that worked in them.
_FOLDERS = (
    "ses-pg-",
    "ses-acceptance-",
    "ses-bench-",
    "ses-servers-",
    "ses-redis-",
    "ses-machine-",
    "ses-own-airflow-",
)


#: Processes of this run that are to be ended as this one is: the parts of `make test`.
workers: set[int] = set()


class RunGuard:
    """The guard of this process's run. `finish` at its end; it returns when nothing of the run is left."""

    def __init__(self) -> None:
        self._mark = uuid.uuid4().hex
        self._before = os.environ.get(MARK)
        command = [sys.executable, __file__, str(os.getpid()), self._mark]
        # Started before this process has the mark. No pipe of ours: who reads our output must not wait for it.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        os.environ[MARK] = f"{self._before or ''} {self._mark}".strip()

    def finish(self) -> None:
        """End what is left of the run."""
        assert self._process.stdin is not None
        with suppress(OSError):
            # A word, not only the end of the pipe: children that were only forked hold that open.
            self._process.stdin.write(b"over")
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GIVE_UP + 10)
        os.environ.pop(MARK, None)
        if self._before is not None:
            os.environ[MARK] = self._before


def guarded(main: Callable[[], int]) -> int:
    """Run a program's main function; its exit code, 130 after an interruption."""
    end_as_by_ctrl_c()
    guard = RunGuard()
    try:
        return main()
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    finally:
        guard.finish()


def end_as_by_ctrl_c() -> None:
    """From now on SIGTERM and SIGHUP raise KeyboardInterrupt, once: what clears away is not interrupted again."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, _interrupt)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # `timeout` sends SIGTERM twice.
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    for pid in workers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _watch(run: psutil.Process | None, mark: str) -> None:
    """Until the run says that it is over (by a word on our stdin), or is no more; then end what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    below: set[psutil.Process] = set()
    while run and _alive(run):
        # Children that were only forked have the environment that the run itself was started with: without the mark.
        with suppress(psutil.Error):
            below = {one for one in below.union(run.children(recursive=True)) if _alive(one)}
        if select.select([sys.stdin], [], [], _TICK)[0]:
            with suppress(psutil.Error):
                below.update(run.children(recursive=True))
            break
    _end_all(mark, below)


def _end_all(mark: str, below: set[psutil.Process]) -> None:
    began, folders = time.monotonic(), set()
    while (left := _left(mark, below)) and time.monotonic() - began < _GIVE_UP:
        for process in left:
            with suppress(psutil.Error, OSError):
                folders |= _folders_of(process)
                gentle = process.name() == "postgres" and time.monotonic() - began < _POSTGRES_PATIENCE
                process.send_signal(signal.SIGQUIT if gentle else signal.SIGKILL)
        time.sleep(0.1)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _left(mark: str, below: set[psutil.Process]) -> list[psutil.Process]:
    """The living processes that bear the mark or are known to be of the run, and all below them."""
    found = set(below)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if mark in process.environ().get(MARK, ""):
                found.add(process)
    for process in list(found):
        with suppress(psutil.Error):
            found.update(process.children(recursive=True))
    return [one for one in found if one.pid != os.getpid() and _alive(one)]


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _folders_of(process: psutil.Process) -> set[Path]:
    here = Path(process.cwd())
    homes = {Path(tempfile.gettempdir()), Path("/tmp"), Path("/dev/shm")}
    return {one for one in (here, *here.parents) if one.parent in homes and one.name.startswith(_FOLDERS)}


def _find(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


if __name__ == "__main__":
    _watch(_find(int(sys.argv[1])), sys.argv[2])
