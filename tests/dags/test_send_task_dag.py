"""A send task's DAG, run by Airflow from beginning to end against a real database and a real mail server."""

from __future__ import annotations

from ses_ops.domain.task_status import TaskStatus
from tests.integration.sending_world import quota


def test_a_run_mails_every_recipient_once_and_ends_green(world, mail_server, run_dag):
    world.group("customers", 25)
    world.task("hello", group="customers")
    outcome = run_dag("send_task__hello")
    assert outcome.state == "success"
    assert len(mail_server.accepted) == 25
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").status is TaskStatus.FINISHED
