"""podman with a storage, networks and settings of its own: it sees no container of this machine, and none sees its."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={files}:{files}"]
init_path = "/usr/bin/catatonit"
[engine]
# crun refuses cgroups of both versions side by side; without systemd nobody else makes groups.
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{folder}/run/libpod"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
_STORAGE_CONF = """
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run/storage"
"""


class EngineError(Exception):
    """podman, or a program of ours that it ran, failed: the command and the end of what it said."""


@dataclass(frozen=True)
class Engine:
    """Everything that it makes lies in `folder`."""

    folder: Path

    def prepare(self) -> None:
        """Write the settings. What an earlier run left half done is for podman as after the machine's restart."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        for name in ("run", "networks", "storage"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        files = min(16384, os.sysconf("SC_OPEN_MAX"))
        (self.folder / "containers.conf").write_text(_CONTAINERS_CONF.format(folder=self.folder, files=files))
        (self.folder / "storage.conf").write_text(_STORAGE_CONF.format(folder=self.folder))

    @property
    def cgroup(self) -> str:
        """A group of our own below every cgroup controller, to be removed as a whole."""
        return f"/ses-compose-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"

    @property
    def environment(self) -> dict[str, str]:
        """For podman and for what calls it. The secrets of the caller's own environment stay out."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TERM", "TEST_RUN_MARKS") if name in os.environ}
        return {
            **kept,
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            # podman's own timers are systemd's; see health.py.
            "DISABLE_HC_SYSTEMD": "true",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *arguments: str, within: float = 300, stdin: bytes | None = None, folder: Path | None = None) -> str:
        """What podman printed. Raises EngineError when it fails."""
        return self.execute(["podman", *arguments], within=within, stdin=stdin, folder=folder)

    def execute(
        self,
        command: Sequence[str],
        *,
        within: float = 300,
        stdin: bytes | None = None,
        folder: Path | None = None,
        more: dict[str, str] | None = None,
    ) -> str:
        """Run a program that calls podman, such as podman-compose; its output, whose errors are in the exception."""
        done = subprocess.run(
            command,
            env={**self.environment, **(more or {})},
            cwd=folder or self.folder,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=within,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode:
            said = (output + done.stderr.decode(errors="replace"))[-3000:]
            raise EngineError(f"`{' '.join(command)[:200]}` ended with {done.returncode}:\n{said}")
        return output

    def inspect(self, name: str, kind: str = "container") -> dict[str, Any]:
        """What podman knows of a container or an image."""
        found: list[dict[str, Any]] = json.loads(self.run("inspect", "--type", kind, name))
        return found[0]

    def has_image(self, name: str) -> bool:
        """Whether the image is in the storage."""
        try:
            self.run("image", "exists", name)
        except EngineError:
            return False
        return True

    def image_size(self, name: str) -> int:
        """Octets of all its layers."""
        return int(self.inspect(name, "image")["Size"])

    def clear(self) -> None:
        """End and remove all containers, volumes and networks; images stay."""
        for _ in range(5):
            # podman 4.3 takes those first on which others depend, and says no.
            with suppress(EngineError):
                self.run("rm", "--all", "--force", "--time", "0", within=600)
                break
        self.run("volume", "prune", "--force", within=600)
        self.run("network", "prune", "--force", within=60)


def remove_cgroups(name: str) -> None:
    """Remove our groups. A group can go when its last process has gone, which takes the kernel a moment."""
    for top in Path("/sys/fs/cgroup").glob(f"*{name}"):
        for folder in sorted((one for one in top.rglob("*") if one.is_dir()), key=lambda one: -len(one.parts)):
            _remove(folder)
        _remove(top)


def _remove(folder: Path) -> None:
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
