"""A part of the run in namespaces of its own: its networks, mounts, rules of the firewall and processes go with it.

Also after Ctrl-C, and after `kill -9`: the kernel removes them with the part's first process.
"""

from __future__ import annotations

import os
import subprocess
import sys

#: In the part's own environment: it is inside.
INSIDE = "SES_COMPOSE_INSIDE"
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")

#: /run: where podman's networks, names and mounts are noted down.
_ALONE = 'mount -t tmpfs -o mode=755 tmpfs /run && ip link set lo up && exec "$@"'


def run_sealed(arguments: list[str], *, network: bool) -> int:
    """`python -m tests.compose` with these arguments, inside; its exit status. With `network`: one with nobody in it.

    Without, it is in the machine's: to build images, whose programs then run in that network, too, and make none.
    """
    command = [sys.executable, "-m", "tests.compose", *arguments]
    if network:
        command = ["--net", "sh", "-c", _ALONE, "sh", *command]
    process = subprocess.Popen([*_NAMESPACES, *command], env={**os.environ, INSIDE: "1"}, start_new_session=True)
    try:
        return process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise


def is_inside() -> bool:
    """Whether this process is such a part."""
    return os.environ.get(INSIDE) == "1"
