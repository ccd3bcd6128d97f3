"""A newer wheel over an older one, as docs/own-airflow.md says: tasks, groups and what is cached stay."""

from __future__ import annotations

import pytest

from tests.own_airflow.first_steps import make_task, visible_dags
from tests.own_airflow.fresh_environment import build_wheel
from tests.own_airflow.people import administrator, log_in
from tests.own_airflow.test_first_mail import ADDRESSES

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

NEXT = "99.0.0"


@pytest.fixture(scope="module")
def upgraded(team, tmp_path_factory):
    """The team's Airflow with a wheel of a later version, started again."""
    newer = build_wheel(tmp_path_factory.mktemp("newer"), version=NEXT)
    team.stop()
    team.environment.install(newer)
    team.ses("migrate")
    team.start()
    return team


def test_the_newer_version_is_there_and_everything_is_as_it_was(upgraded):
    assert upgraded.environment.packages()["ses-ops"] == NEXT
    assert NEXT in upgraded.ses("--version").stdout
    listed = upgraded.ses("task", "list").stdout
    assert "hello" in listed
    assert "finished" in listed
    assert "send_task__hello" in visible_dags(administrator(upgraded))


def test_a_task_that_is_made_now_is_sent_too(upgraded, mail_server):
    before = mail_server.total
    user = log_in(upgraded, "ursula")
    make_task(user, "after-the-upgrade")
    upgraded.wait_for(lambda: "<p>Finished " in user.get("/tasks/after-the-upgrade").text, "end of the mailing")
    assert mail_server.total == before + len(ADDRESSES)
