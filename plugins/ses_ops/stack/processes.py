"""Processes of the stack, which end together with all their children.

Three mechanisms ensure that: each component has its own session (signals reach the whole session); the supervisor
adopts orphans (Linux: PR_SET_CHILD_SUBREAPER), so a process that left its session is still found among its descendants;
and each component gets SIGTERM from the kernel when the supervisor itself is killed (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import psutil

if TYPE_CHECKING:
    import pwd

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
#: Bytes of a log file above which it is rotated at the next start.
LOG_LIMIT = 20_000_000
#: Seconds by which two readings of the start of one process may differ.
_CREATE_TIME_TOLERANCE = 1.0


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A process by its pid and its time of creation (UNIX seconds), because the kernel reuses pids."""

    name: str
    pid: int
    created: float

    def find(self) -> psutil.Process | None:
        """The process, if it still runs; else None."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CREATE_TIME_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


class Component:
    """One program of the stack, in a session of its own and with its output in a log file."""

    #: The pids of all programs that this process started.
    started: ClassVar[set[int]] = set()

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path, stop_signal: int) -> None:
        self.name = name
        self.log = log
        self.stop_signal = stop_signal
        self._popen = popen
        self.identity = ProcessIdentity(name=name, pid=popen.pid, created=_created(popen.pid))

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path,
        user: pwd.struct_passwd | None = None,
        stop_signal: int = signal.SIGTERM,
    ) -> Component:
        """Start a program. It ends with the supervisor, even when SIGKILL ends the supervisor (Linux)."""
        rotate(log)
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_before_exec(stop_signal),  # noqa: PLW1509 - no thread runs in the supervisor
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        cls.started.add(popen.pid)
        return cls(name, popen, log, stop_signal)

    def exit_code(self) -> int | None:
        """The exit code of the program (negative: the signal that ended it); None while it runs."""
        return self._popen.poll()

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log, for the person who must mend the problem."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 16_000))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def signal(self, number: int) -> None:
        """Send a signal to the program itself, whose own handlers end the processes that it started."""
        if self.exit_code() is None:
            self._popen.send_signal(number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies (Linux), so that `descendants` finds them."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _before_exec(death_signal: int) -> Callable[[], None] | None:
    if _LIBC is None:
        return None
    prctl = _LIBC.prctl

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        # A signal that the supervisor ignores (nohup) must still end the component.
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    return prepare


def _created(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def rotate(log: Path) -> None:
    """Rename a log file that grew large; one older log file is kept."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(log.name + ".1"))


def descendants(pid: int | None = None) -> list[psutil.Process]:
    """All descendants of a process (default: this process), without zombies."""
    try:
        return [one for one in psutil.Process(pid).children(recursive=True) if _alive(one)]
    except psutil.Error:
        return []


def session_members(leaders: Iterable[int]) -> list[psutil.Process]:
    """The running processes of these sessions, whether the leader still runs or not."""
    wanted = set(leaders)
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in wanted and _alive(process):
                found.append(process)
        except (OSError, psutil.Error):
            continue
    return found


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def any_alive(processes: Iterable[psutil.Process]) -> bool:
    """Whether one of the processes still runs."""
    return any(_alive(one) for one in processes)


def wait_for_end(still_there: Callable[[], bool], seconds: float, hurry: Callable[[], bool] = lambda: False) -> bool:
    """Wait until `still_there` is false. Returns False when that takes over `seconds`, or when `hurry` becomes true."""
    end = time.monotonic() + seconds
    while still_there():
        if time.monotonic() > end or hurry():
            return False
        time.sleep(0.05)
    return True


def reap_orphans() -> None:
    """Collect adopted orphans that have ended. (Processes that this one started are collected by their Popen.)"""
    # Four times a second: to look at every process of the machine each time took a thirtieth of a core.
    if hasattr(os, "waitid") and not _has_ended_child():
        return
    try:
        for child in psutil.Process().children():
            if child.pid not in Component.started and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
    except (psutil.Error, ChildProcessError):
        return


def _has_ended_child() -> bool:
    """Whether a child has ended that nobody has collected."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def end_all(processes: Sequence[psutil.Process], *, seconds: float = 5.0) -> None:
    """Send SIGTERM, wait for `seconds`, then send SIGKILL."""
    for send in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                send(process)
            except psutil.Error:
                continue
        if wait_for_end(lambda: any_alive(processes), seconds):
            return
