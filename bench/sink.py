"""The server that everybody sends to: Debian's smtp-sink on a free loopback port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALL = Path(__file__).parents[1] / "scripts" / "install-debian-packages.sh"


def program(name: str) -> str:
    """The path of one of Postfix's test programs, installed at first need."""
    for _ in range(2):
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if found:
            return found
        subprocess.run([str(INSTALL), "postfix"], check=True)
    raise SystemExit(f"{name} is not installed; it is part of Debian's package postfix")


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Start smtp-sink; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
