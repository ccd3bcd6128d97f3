"""One machine, LocalExecutor, the demo profile's mailbox: the main job from outside, and what may happen meanwhile."""

from __future__ import annotations

import time
from http import HTTPStatus

from tests.compose.mailing import Rest, begin, quota, received, task
from tests.compose.project import Project, wait_for
from tests.compose.report import Report
from tests.compose.scene import MAILBOX, Scene

RECIPIENTS = 1_200
A_DAY = 500
#: Of the rehearsal's days (mailing.quota).
DAY_SECONDS = 30


def run(scene: Scene) -> None:
    """A new installation."""
    settings = {"AIRFLOW_CONN_SES_SMTP": MAILBOX, "AIRFLOW_VAR_SES_WARMUP_QUOTA": f"'{quota(A_DAY)}'"}
    with scene.installation(["demo"], settings) as project:
        with scene.report.step("up, until every container is healthy"):
            project.up()
        main_job(project, scene.report)


def main_job(project: Project, report: Report) -> None:
    """1 200 recipients under 500 a day get one mail each, with a pause in between."""
    with report.step("import 1 200 recipients, apply an immediate task; the first day's mail arrives"):
        begin(project, "spring", RECIPIENTS)
        wait_for("the first day's mail", lambda: len(received(project, "spring")) >= A_DAY, 240)
    rest = Rest(project)
    with report.step("pause by REST; nothing leaves on the next day; resume in the console"):
        rest.pause("spring", True)
        wait_for("a paused task", lambda: task(project, "spring")["status"] == "paused", 60)
        time.sleep(5)
        before = len(received(project, "spring"))
        time.sleep(DAY_SECONDS + 10)
        assert len(received(project, "spring")) == before, "mail of a paused task has left"
        assert rest.press("/ses/tasks/spring/resume") == HTTPStatus.OK
    with report.step("all of it arrives, once each"):
        wait_for("the end", lambda: task(project, "spring")["status"] == "finished", 300, every=5)
        got = received(project, "spring")
        assert len(got) == RECIPIENTS, f"{len(got)} of {RECIPIENTS} arrived"
        assert set(got.values()) == {1}, "somebody got it twice"
    with report.step("the console shows it"):
        assert "spring" in rest.page("/ses/tasks"), "the console's list does not show the task"
