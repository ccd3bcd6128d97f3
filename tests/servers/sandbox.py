"""A mail server's process, in namespaces of its own where that is allowed (root on Linux).

Mounts and processes of such a server exist only in its namespaces, and the kernel removes them with its first process:
also after Ctrl-C, and after `kill -9` of this program. Without root a server is an ordinary child in its own session.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil

from tests.servers.not_run import NotRun

#: Seconds that a server may take to end by itself.
PATIENCE = 15.0
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
#: $1: folder of the run, $2...: what to run in its layer (`upper`) above the machine's files, as if that were all.
_IN_LAYERS = """
set -e
run=$1; shift
root=$run/root
mkdir -p "$run/upper/srv/run" "$run/upper/tmp" "$run/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$run/upper,workdir=$run/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/lock"
mount --bind "$run/shared" "$root/srv/run"
exec chroot "$root" sh -c "$FIRST" sh "$@"
"""
#: The first process of a layer. When the server ends, what it has begun to deliver is finished, as on a real machine:
#: a delivery that is killed with the namespace would be made again, and nobody could tell it from a message sent twice.
_FIRST_PROCESS = """
"$@" & server=$!
trap 'kill -TERM $server' TERM
while :; do
    wait $server; status=$?
    kill -0 $server 2>/dev/null || break
done
trap '' TERM
for tenth in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do
    set -- /proc/[0-9]*
    [ $# -le 1 ] && break
    sleep 0.1
done
exit $status
"""
#: $1 is shown as $2 to what follows: the folder of another user's modules, for one who may not look into it.
_WITH_A_FOLDER = """
set -e
mount --bind "$1" "$2"
shift 2
exec "$@"
"""


@cache
def namespaces_allowed() -> bool:
    """Whether this user may make mount and process namespaces with overlays in them."""
    if os.geteuid() != 0:
        return False
    done = subprocess.run([*_NAMESPACES, "true"], capture_output=True, check=False)
    return done.returncode == 0


@dataclass
class Sandbox:
    """Runs commands for one server. `folder` is the run's own, and goes with it."""

    folder: Path
    #: In a layer of its own above the machine's files: what it writes lands in `upper`.
    layered: bool = False
    #: (folder, where the server sees it): modules that may stand in a folder closed to the server's user.
    shown: tuple[Path, Path] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.shared.mkdir(parents=True, exist_ok=True)
        self.shared.chmod(0o777)

    @property
    def shared(self) -> Path:
        """The folder that both sides see; within the layers it is /srv/run."""
        return self.folder / "shared"

    @property
    def upper(self) -> Path:
        """The layer of its own."""
        return self.folder / "upper"

    def command(self, command: Sequence[str], *, user: str | None = None) -> list[str]:
        """What to execute for `command`; `user` is whom root turns into, without any of root's rights."""
        given = list(command)
        if user and os.geteuid() == 0:
            given = ["setpriv", "--reuid", user, "--regid", _group_of(user), "--clear-groups", *given]
        if self.layered:
            if not namespaces_allowed():
                raise NotRun("Debian's packages run in layers of their own above this machine's files: needs root")
            given = ["sh", "-c", _IN_LAYERS, "sh", str(self.folder), *given]
        elif self.shown and namespaces_allowed():
            given = ["sh", "-c", _WITH_A_FOLDER, "sh", *map(str, self.shown), *given]
        wrapped = _NAMESPACES if namespaces_allowed() else ()
        return [*_DIE_WITH_US, *wrapped, *given]

    def run(self, command: Sequence[str], *, timeout: float = 900, log: str = "setup.log") -> str:
        """Run to its end and return what it printed. Raises NotRun when it fails."""
        done = subprocess.run(
            self.command(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=self._environment(),
            check=False,
        )
        with (self.folder / log).open("a") as file:
            file.write(f"$ {' '.join(command)[:300]}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            raise NotRun(f"`{' '.join(command)[:80]}` failed: {done.stderr or done.stdout}")
        return done.stdout

    def start(self, command: Sequence[str], *, user: str | None = None) -> None:
        """Start the server; what it prints goes to `server.log`."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(command, user=user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/" if self.layered else self.shared,
                env=self._environment(),
                start_new_session=True,
            )

    def stop(self, patience: float = PATIENCE) -> None:
        """SIGTERM to the server's first process, as its service manager does; SIGKILL to all after `patience`."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            outer = psutil.Process(process.pid)
            first = (outer.children() or [outer])[0] if namespaces_allowed() else outer
            first.send_signal(signal.SIGTERM)
            psutil.wait_procs([first], timeout=patience)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    @property
    def ended(self) -> bool:
        """The server is no longer there, though nobody stopped it."""
        return self._process is not None and self._process.poll() is not None

    def log_end(self) -> str:
        """The end of what the server printed."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace")[-400:] if path.exists() else ""

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "LC_ALL": "C.UTF-8", "FIRST": _FIRST_PROCESS, **self.environment}


def _group_of(user: str) -> str:
    return "nogroup" if user == "nobody" else user


def wait_until(true: object, seconds: float, every: float = 0.05) -> bool:
    """Whether `true()` came true within `seconds`."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if true():  # type: ignore[operator]
            return True
        time.sleep(every)
    return bool(true())  # type: ignore[operator]
