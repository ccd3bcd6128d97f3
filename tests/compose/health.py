"""The health checks at their intervals: what a Docker engine does by itself, and podman leaves to systemd."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from contextlib import suppress

from tests.compose.engine import Engine, EngineError

_NANOSECONDS = 1_000_000_000


class HealthWatch:
    """A thread that runs each running container's check when it is due; podman keeps what came of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ended = threading.Event()
        self._due: dict[str, float] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        #: (container, seconds since it began to be watched, status): every change, for the report.
        self.changes: list[tuple[str, float, str]] = []
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="health", daemon=True)

    def __enter__(self) -> HealthWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(60)
        for process in self._running.values():
            with suppress(OSError):
                process.kill()
            process.wait()

    def _watch(self) -> None:
        while not self._ended.wait(1.0):
            with suppress(EngineError, subprocess.TimeoutExpired, ValueError):
                self._look()

    def _look(self) -> None:
        for container in json.loads(self._engine.run("ps", "--format", "json")):
            name, now = container["Names"][0], time.monotonic()
            running = self._running.get(name)
            if running is not None and running.poll() is None:
                continue
            if now < self._due.get(container["Id"], 0.0):
                continue
            check = self._engine.inspect(name)["Config"].get("Healthcheck")
            interval = (check or {}).get("Interval", 3600 * _NANOSECONDS) / _NANOSECONDS
            # At its start podman wants to know sooner; a Docker engine of today, too (start interval 5 s).
            self._due[container["Id"]] = now + (interval if container["Id"] in self._due else min(interval, 10.0))
            if check and check.get("Test") not in (None, ["NONE"]):
                self._running[name] = subprocess.Popen(
                    ["podman", "healthcheck", "run", name],
                    env=self._engine.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )


def health(engine: Engine, name: str) -> str:
    """`healthy`, `unhealthy`, `starting`, or `` for a container without a check."""
    state = engine.inspect(name)["State"]
    return str((state.get("Health") or state.get("Healthcheck") or {}).get("Status", ""))
