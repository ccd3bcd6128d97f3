"""LocalExecutor: restarts, kills, a database that is away and a reboot, all under a mailing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.compose.mailing import begin, quota
from tests.compose.project import JOBS, EngineError, Project, wait_for
from tests.compose.relay import arrived, check_account, relay, uri_of, wait_finished
from tests.compose.report import Report
from tests.compose.scene import Scene
from tests.recording_smtp import RecordingServer

#: Messages a second: a mailing lasts as long as what happens to it.
_RATE = 25
_RECIPIENTS = 2_000
#: Chunks that are sent at once (the file's default).
_CHUNKS = 4
RESTARTED = (
    "api-server",
    "dag-processor",
    "triggerer",
    "public",
    "bounces",
    "callbacks",
    "api",
    "scheduler",
    "postgres",
)
#: Without the database these are of no use, and their checks have to say so.
_NEED_DATABASE = ("scheduler", "dag-processor", "triggerer", "api-server", "callbacks", "api")
#: These keep on disk what they hear.
_WORK_WITHOUT = ("public", "bounces")
_AWAY = 30.0


class Mailings:
    """One mailing after the other, so that one is always under way."""

    def __init__(self, project: Project, server: RecordingServer) -> None:
        self.project = project
        self.server = server
        self.names: list[str] = []

    def keep_on(self, least: int = 400) -> None:
        """Begin another one when fewer than `least` messages are left, and wait until mail of it arrives."""
        if not self.names or _RECIPIENTS - len(arrived(self.server, self.names[-1])) < least:
            self.names.append(f"wave{len(self.names)}")
            begin(self.project, self.names[-1], _RECIPIENTS)
        self.wait_for_mail(180)

    def wait_for_mail(self, within: float) -> float:
        """Wait for 20 more messages; seconds until they arrived."""
        began, before = time.monotonic(), self.server.total
        wait_for("more mail", lambda: self.server.total >= before + 20, within, every=0.5)
        return time.monotonic() - began


def restarts(scene: Scene) -> None:
    """Each service in turn by `docker compose restart`."""
    with _installed(scene) as (project, mailings):
        for service in RESTARTED:
            mailings.keep_on()
            with scene.report.step(f"restart {service}, until every container is healthy and mail arrives again"):
                project.compose("restart", service)
                _wait_well(project, mailings)
        _end(project, mailings, scene.report, lost_chunks=_CHUNKS)


def kills(scene: Scene) -> None:
    """What nobody asked for."""
    report = scene.report
    with _installed(scene) as (project, mailings):
        with report.step("SIGKILL of the scheduler's first process in mid chunk; the restart policy brings it back"):
            _kill(project, "scheduler")
            _wait_well(project, mailings)
        mailings.keep_on()
        with report.step("PostgreSQL away for 30 s"):
            _database_away(project, report)
            _wait_well(project, mailings)
        mailings.keep_on()
        with report.step("reboot: all killed at once, then all started at once, PostgreSQL last"):
            _reboot(project)
            _wait_well(project, mailings)
        _end(project, mailings, report, lost_chunks=3 * _CHUNKS)


@contextmanager
def _installed(scene: Scene) -> Iterator[tuple[Project, Mailings]]:
    """An installation under a mailing."""
    with relay() as server:
        settings = {
            "AIRFLOW_CONN_SES_SMTP": uri_of(server, max_messages_per_second=_RATE),
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": f"'{quota(1_000_000, 'P1D')}'",
        }
        with scene.installation([], settings) as project:
            with scene.report.step("up, until every container is healthy"):
                project.up()
            mailings = Mailings(project, server)
            with scene.report.step(f"a mailing at {_RATE} messages a second"):
                mailings.keep_on()
            yield project, mailings


def _wait_well(project: Project, mailings: Mailings) -> None:
    project.wait_healthy()
    # The mailing of before may have ended meanwhile.
    mailings.keep_on()


def _end(project: Project, mailings: Mailings, report: Report, *, lost_chunks: int) -> None:
    with report.step("the mailings end: nothing lost, nothing doubled, the doubts bounded"):
        for name in mailings.names:
            counts, got = wait_finished(project, name, 420), arrived(mailings.server, name)
            told = f"{counts['sent_count']} sent, {counts['unknown_count']} unknown; {len(got)} arrived"
            report.figure(f"{name}, of {_RECIPIENTS}", told)
            assert counts["request_count"] == _RECIPIENTS, counts
            check_account(counts, got, lost_chunks=lost_chunks)


def _kill(project: Project, service: str) -> None:
    """As the kernel does it; and what died is seen to come back by itself."""
    (name,) = project.service(service)
    first = project.pid(name)
    os.kill(first, signal.SIGKILL)
    wait_for("another first process", lambda: project.pid(name) not in (0, first), 60)
    assert project.health(service) != "healthy", f"{service} is healthy at once after its death"


def _database_away(project: Project, report: Report) -> None:
    began = time.monotonic()
    project.compose("stop", "postgres")
    time.sleep(max(0.0, _AWAY / 2 - (time.monotonic() - began)))
    said = passed(project, (*_NEED_DATABASE, *_WORK_WITHOUT))
    report.figure(
        "health checks that pass without a database", ", ".join(sorted(n for n, well in said.items() if well))
    )
    time.sleep(max(0.0, _AWAY - (time.monotonic() - began)))
    project.compose("start", "postgres")
    lying = [name for name in _NEED_DATABASE if said[name]]
    assert not lying, f"healthy without a database: {lying}"
    wrong = [name for name in _WORK_WITHOUT if not said[name]]
    assert not wrong, f"not healthy without a database, which they do not need: {wrong}"


def passed(project: Project, services: Iterable[str]) -> dict[str, bool]:
    """Run each service's health check once, now; whether it passes."""

    def one(service: str) -> bool:
        try:
            project.engine.run("healthcheck", "run", project.service(service)[0], within=60)
        except (EngineError, TimeoutError):
            return False
        return True

    names = list(services)
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _reboot(project: Project) -> None:
    """As the Docker engine does it at its start: no order, and nothing waits for anything."""
    names = [
        name
        for name, facts in project.containers().items()
        if facts["Labels"]["com.docker.compose.service"] not in JOBS
    ]
    project.engine.run("kill", "--signal", "KILL", *names)
    wait_for(
        "the end of all", lambda: not any(facts["State"] == "running" for facts in project.containers().values()), 60
    )
    database = project.service("postgres")
    project.engine.run("start", *(name for name in names if name not in database), *database)
