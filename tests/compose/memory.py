"""100 000 recipients on one day, LocalExecutor: the limits of memory hold, and how near they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.compose.mailing import begin, quota
from tests.compose.processes import Group
from tests.compose.project import Project, wait_for
from tests.compose.relay import arrived, check_account, relay, uri_of, wait_finished
from tests.compose.scene import Scene

RECIPIENTS = 100_000
_MB = 1_000_000


@dataclass
class _Watched:
    """One container."""

    group: Group
    service: str
    #: Octets without the page cache, at most.
    most: int = 0


@dataclass
class MemoryWatch:
    """Looks at all running containers once a second."""

    containers: dict[str, _Watched]
    _ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Note what is used now."""
        for one in self.containers.values():
            with suppress(OSError):
                one.most = max(one.most, one.group.memory_without_cache)

    def run(self) -> None:
        """Until the end."""
        while not self._ended.wait(1.0):
            self.look()


@contextmanager
def watched(project: Project) -> Iterator[MemoryWatch]:
    """Watch the containers that run now."""
    running = {name: one for name, one in project.containers().items() if one["State"] == "running"}
    watch = MemoryWatch(
        {
            name: _Watched(Group(project.pid(name)), one["Labels"]["com.docker.compose.service"])
            for name, one in running.items()
        }
    )
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch._ended.set()
        thread.join(10)


def run(scene: Scene) -> None:
    """A new installation."""
    report = scene.report
    with relay() as server:
        settings = {
            "AIRFLOW_CONN_SES_SMTP": uri_of(server),
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": f"'{quota(2 * RECIPIENTS, 'P1D')}'",
        }
        with scene.installation([], settings) as project:
            with report.step("up, until every container is healthy"):
                project.up()
            with watched(project) as watch:
                with report.step(f"import {RECIPIENTS:,} recipients, apply an immediate task".replace(",", " ")):
                    begin(project, "all", RECIPIENTS)
                with report.step("all of it arrives"):
                    wait_for("the first mail", lambda: server.total, 180, every=0.2)
                    began = time.monotonic()
                    wait_for("all mail", lambda: server.total >= RECIPIENTS, 420, every=0.5)
                    seconds = time.monotonic() - began
                report.figure("first mail to last", f"{seconds:.0f} s, {RECIPIENTS / seconds:.0f} messages/s")
                counts = wait_finished(project, "all", 120)
                check_account(counts, arrived(server, "all"), lost_chunks=0)
            with report.step("no container was near its limit, and none was killed for it"):
                _check(project, watch, scene)


def _check(project: Project, watch: MemoryWatch, scene: Scene) -> None:
    tight = []
    for name, one in sorted(watch.containers.items()):
        limit, peak, kills = one.group.memory_limit, one.group.memory_peak, one.group.out_of_memory_kills
        assert limit is not None, f"{name} has no limit"
        with_cache = "" if peak is None else f" ({peak / _MB:.0f} with the page cache)"
        scene.report.figure(f"{one.service}, MB at most", f"{one.most / _MB:.0f}{with_cache} of {limit / _MB:.0f}")
        assert kills == 0, f"{name}: {kills} processes were killed for want of memory"
        assert one.most > 0, f"{name} was not measured"
        if one.most > limit * 0.8:
            tight.append(name)
    assert not tight, f"above four fifths of the limit: {tight}"
    assert not project.unhealthy(), project.unhealthy()
