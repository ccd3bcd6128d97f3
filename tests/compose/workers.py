"""The celery profile with two workers: the main job, and a worker's container that is killed in mid chunk."""

from __future__ import annotations

import os
import signal
import time

from tests.compose.local import main_job
from tests.compose.mailing import begin, quota, received
from tests.compose.processes import processes
from tests.compose.project import EngineError, Project, wait_for
from tests.compose.relay import check_account, wait_finished
from tests.compose.scene import MAILBOX, Scene

_RECIPIENTS = 1_500
_RATE = 25


def run(scene: Scene) -> None:
    """Redis has a password, and nobody gets in without it."""
    settings = {
        "SES_EXECUTOR": "CeleryExecutor",
        "SES_WORKERS": "2",
        "AIRFLOW_CONN_SES_SMTP": f"{MAILBOX}&max_messages_per_second={_RATE}",
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": f"'{quota(500)}'",
    }
    report = scene.report
    with scene.installation(["demo", "celery"], settings) as project:
        with report.step("up with two workers, until every container is healthy"):
            # podman-compose starts one container whatever the file's `replicas` says.
            project.compose("up", "-d", "--no-build", "--scale", "celery-worker=2")
            project.wait_healthy()
            assert len(project.service("celery-worker")) == 2, project.service("celery-worker")
        with report.step("Redis refuses who has no password"):
            assert "NOAUTH" in _without_password(project)
        main_job(project, report)
        with report.step(
            f"a mailing of {_RECIPIENTS}; SIGKILL of a worker's container in mid chunk; all are healthy again"
        ):
            begin(project, "killed", _RECIPIENTS)
            wait_for("the first mail", lambda: len(received(project, "killed")) >= 50, 240)
            _kill_one(project)
            began, before = time.monotonic(), len(received(project, "killed"))
            project.wait_healthy()
            wait_for("more mail", lambda: len(received(project, "killed")) > before + 100, 180)
            report.figure("more mail after the loss of a worker", f"{time.monotonic() - began:.0f} s")
        with report.step("nothing lost, nothing doubled, the doubts bounded"):
            counts, got = wait_finished(project, "killed", 420), received(project, "killed")
            report.figure(
                "killed", f"{counts['sent_count']} sent, {counts['unknown_count']} unknown; {len(got)} arrived"
            )
            check_account(counts, got, lost_chunks=4)


def _kill_one(project: Project) -> None:
    """The one that is sending: it has processes that Airflow names so, while it runs a task."""

    def sending() -> list[str]:
        names = project.service("celery-worker")
        return [
            one for one in names if any("airflow worker" in process.command for process in processes(project.pid(one)))
        ]

    name = wait_for("a worker that runs a task", sending, 60)[0]
    os.kill(project.pid(name), signal.SIGKILL)


def _without_password(project: Project) -> str:
    try:
        return project.inside("redis", "env", "-u", "REDISCLI_AUTH", "redis-cli", "ping")
    except EngineError as refused:
        return str(refused)
