"""One installation: a copy of the repository in an empty folder, its .env, and its containers."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.compose.engine import Engine, EngineError
from tests.compose.health import health
from tests.compose.images import copy_tracked

PROGRAM = Path(__file__).with_name("compose_program.py")
#: Services that run once.
JOBS = ("migrate",)
#: Seconds until all of it is healthy; on two busy cores.
READY_WITHIN = 420.0


class NotInTime(AssertionError):
    """What was waited for did not come."""


def wait_for(what: str, true: Callable[[], Any], within: float, every: float = 1.0) -> Any:
    """What `true` returned first that is true. Raises NotInTime."""
    end = time.monotonic() + within
    while not (found := true()):
        if time.monotonic() > end:
            raise NotInTime(f"{what}: not within {within:.0f} s")
        time.sleep(every)
    return found


class Project:
    """docker-compose.yaml in `folder`, run by podman-compose."""

    def __init__(self, engine: Engine, folder: Path, profiles: Iterable[str] = (), name: str = "ses-ops") -> None:
        self.engine = engine
        self.folder = folder
        self.profiles = list(profiles)
        self.name = name

    def copy(self, repository: Path, settings: dict[str, str]) -> None:
        """The files that git knows, as they are, and .env as deploy/make-env.sh writes it, with more settings."""
        copy_tracked(repository, self.folder)
        subprocess.run([str(self.folder / "deploy/make-env.sh")], check=True, capture_output=True, timeout=60)
        with (self.folder / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def env(self) -> dict[str, str]:
        """What .env says."""
        lines = (self.folder / ".env").read_text().splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        return {name: value.strip("'") for name, value in pairs}

    def compose(self, *arguments: str, within: float = 900, build: Iterable[str] = ()) -> str:
        """`docker compose ...`, by podman-compose."""
        options = [
            f"--podman-run-args=--cgroup-parent={self.engine.cgroup}",
            "--in-pod=false",
            f"--project-name={self.name}",
        ]
        # With `read_only: true`, podman makes /run and /var/tmp writable unasked; Docker does not.
        options.append("--podman-run-args=--read-only-tmpfs=false")
        if build:
            options.append(f"--podman-build-args={shlex.join(build)}")
        profiles = [word for one in self.profiles for word in ("--profile", one)]
        command = [sys.executable, str(PROGRAM), *options, *profiles, *arguments]
        return self.engine.execute(command, within=within, folder=self.folder)

    def up(self) -> float:
        """Start everything; seconds until all was healthy."""
        began = time.monotonic()
        try:
            self.compose("up", "-d", "--no-build")
        except EngineError as error:
            raise EngineError(f"{error}\n{self._told()}") from None
        self.wait_healthy()
        return time.monotonic() - began

    def down(self, *arguments: str) -> None:
        """End and remove the containers and their network; volumes stay."""
        self.compose("down", *arguments)

    def containers(self) -> dict[str, dict[str, Any]]:
        """All, also ended ones: name -> what `podman ps` says."""
        listed = json.loads(
            self.engine.run(
                "ps", "--all", "--format", "json", "--filter", f"label=com.docker.compose.project={self.name}"
            )
        )
        return {one["Names"][0]: one for one in listed}

    def service(self, name: str) -> list[str]:
        """The names of a service's containers."""
        label = "com.docker.compose.service"
        return sorted(one for one, facts in self.containers().items() if facts["Labels"].get(label) == name)

    def health(self, service: str) -> str:
        """The worst of a service's containers; `missing` without any."""
        found = [health(self.engine, one) for one in self.service(service)]
        return next((one for one in found if one != "healthy"), "healthy" if found else "missing")

    def unhealthy(self) -> list[str]:
        """Containers that are not running and healthy; a job has to have ended with 0."""
        found = []
        for name, facts in self.containers().items():
            if facts["Labels"].get("com.docker.compose.service") in JOBS:
                good = facts["State"] == "exited" and facts["ExitCode"] == 0
            else:
                good = facts["State"] == "running" and health(self.engine, name) == "healthy"
            if not good:
                found.append(name)
        return found

    def wait_healthy(self, within: float = READY_WITHIN) -> None:
        """Wait until all containers are as they should be."""
        try:
            wait_for("health", lambda: not self.unhealthy(), within, every=2.0)
        except NotInTime:
            raise NotInTime(f"not healthy within {within:.0f} s:\n{self._told()}") from None

    def _told(self) -> str:
        """What those said last that are not as they should be."""
        return "\n".join(f"{one}: {self.logs(one, 15)}" for one in self.unhealthy())

    def logs(self, container: str, lines: int = 200) -> str:
        """The newest lines that a container printed."""
        done = subprocess.run(
            ["podman", "logs", "--tail", str(lines), container],
            env=self.engine.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return done.stdout.decode(errors="replace")

    def inside(self, service: str, *command: str, within: float = 300, stdin: bytes | None = None) -> str:
        """`docker compose exec -T SERVICE COMMAND`."""
        container = self.service(service)[0]
        return self.engine.run(
            "exec", *(["-i"] if stdin is not None else []), container, *command, within=within, stdin=stdin
        )

    def ses(self, *arguments: str, within: float = 300) -> str:
        """`docker compose exec scheduler ses ...`."""
        return self.inside("scheduler", "ses", *arguments, within=within)

    def once(self, *arguments: str, mounts: dict[Path, str] | None = None, within: float = 600) -> str:
        """`docker compose run --rm --no-deps -v FROM:TO:ro scheduler ARGUMENTS`."""
        volumes = [word for source, target in (mounts or {}).items() for word in ("-v", f"{source}:{target}:ro")]
        return self.compose("run", "-T", "--rm", "--no-deps", *volumes, "scheduler", *arguments, within=within)

    def pid(self, container: str) -> int:
        """The container's first process, as this program sees it."""
        return int(self.engine.inspect(container)["State"]["Pid"])


__all__ = ["EngineError", "NotInTime", "Project", "wait_for"]
