"""The mail server of all senders: Debian's smtp-sink on a free loopback port."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

INSTALL = Path(__file__).parents[1] / "scripts" / "install-debian-packages.sh"
_SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def program(name: str, *packages: str) -> str:
    """The path of a program, installed from Debian's `packages` (default: postfix) if missing. Raises SystemExit."""
    for attempt in range(2):
        found = shutil.which(name, path=_SEARCH)
        if found:
            return found
        if attempt == 0:
            subprocess.run([str(INSTALL), *(packages or ("postfix",))], check=True)
    raise SystemExit(f"{name} is not installed; it is part of Debian's {' '.join(packages) or 'postfix'}")


@dataclass
class Sink:
    """A running smtp-sink."""

    port: int
    process: psutil.Process
    counters: Path | None = None

    def cpu_seconds(self) -> float:
        """CPU seconds that the sink has used until now."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def accepted(self) -> int:
        """Number of messages accepted until now; only for a sink with `counting`."""
        assert self.counters is not None
        with self.counters.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 200))
            found = re.findall(rb"mesg=(\d+)\s*\r", file.read())
        return int(found[-1]) if found else 0


@contextmanager
def smtp_sink(*, pipelining: bool = True, counting: bool = False) -> Iterator[Sink]:
    """A running smtp-sink for the length of a `with`. With `counting` it writes a line a message to a file (2 us)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # smtp-sink refuses to run as root.
    options = [*(["-u", "nobody"] if os.geteuid() == 0 else []), *([] if pipelining else ["-p"])]
    options += ["-c"] if counting else []
    with tempfile.TemporaryFile() as errors, tempfile.NamedTemporaryFile(prefix="ses-sink-") as counters:
        command = [program("smtp-sink"), *options, "-m", "2000", f"127.0.0.1:{port}", "1000"]
        with subprocess.Popen(command, stdout=counters, stderr=errors) as process:
            try:
                _wait_for(port, process, errors)
                yield Sink(port, psutil.Process(process.pid), Path(counters.name) if counting else None)
            finally:
                process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes], errors: tempfile._TemporaryFileWrapper) -> None:  # type: ignore[type-arg]
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    errors.seek(0)
    raise RuntimeError(f"smtp-sink did not start: {errors.read().decode(errors='replace').strip()[-300:]}")
