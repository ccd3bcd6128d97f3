"""The DAG's pause switch, turned through Airflow's own API, is the send task's pause."""

from __future__ import annotations

import pytest

from ses_ops.domain.task_status import TaskStatus


@pytest.fixture
def two_tasks(world, synced):
    world.group("customers", 3)
    for name in ("one", "two"):
        world.task(name, group="customers")
    synced()


def paused(world):
    return dict(world.rows("SELECT name, paused_reason FROM send_task WHERE paused_at IS NOT NULL"))


def test_switching_a_dag_off_pauses_its_task_and_on_resumes_it(world, two_tasks, api):
    answer = api.patch("/api/v2/dags/send_task__one", json={"is_paused": True})
    assert (answer.status_code, answer.json()["is_paused"]) == (200, True)
    assert set(paused(world)) == {"one"}
    assert paused(world)["one"].startswith("paused in Airflow")
    assert world.overview("one").status is TaskStatus.PAUSED
    api.patch("/api/v2/dags/send_task__one", json={"is_paused": False})
    assert paused(world) == {}


def test_the_reason_names_who_did_it(world, two_tasks, api):
    api.patch("/api/v2/dags/send_task__one", json={"is_paused": True})
    assert paused(world)["one"] == "paused in Airflow by Anonymous"


def test_switching_many_off_at_once_pauses_them_all(world, two_tasks, api):
    answer = api.patch("/api/v2/dags", params={"dag_id_pattern": "send_task__"}, json={"is_paused": True})
    assert answer.status_code == 200, answer.text
    assert set(paused(world)) == {"one", "two"}


def test_a_refused_request_changes_nothing(world, two_tasks, api):
    assert api.patch("/api/v2/dags/send_task__three", json={"is_paused": True}).status_code == 404
    assert paused(world) == {}


def test_other_dags_pass_untouched(world, two_tasks, api):
    assert api.patch("/api/v2/dags/ses_maintenance", json={"is_paused": True}).status_code == 200
    assert paused(world) == {}


def test_the_switch_works_while_our_database_is_away(world, two_tasks, api, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@/ses?host=/nonexistent")
    answer = api.patch("/api/v2/dags/send_task__one", json={"is_paused": True})
    assert (answer.status_code, answer.json()["is_paused"]) == (200, True)


def test_who_may_not_start_mail_starts_none_by_the_switch(world, two_tasks, api, monkeypatch):
    """`one` was to start at once; `two` has nothing to send before 2099."""
    from airflow.api_fastapi.app import get_auth_manager

    world.task("two", group="customers", type="scheduled", start_at="2099-01-01")
    for name in ("one", "two"):
        api.patch(f"/api/v2/dags/send_task__{name}", json={"is_paused": True})
    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag
    monkeypatch.setattr(
        manager,
        "is_authorized_dag",
        lambda self, *, method, **more: method != "POST" and allowed(self, method=method, **more),
    )
    for name in ("one", "two"):
        assert api.patch(f"/api/v2/dags/send_task__{name}", json={"is_paused": False}).status_code == 200
    assert paused(world) == {"one": "turned on in Airflow by Anonymous, who may not start mail of this task"}
    # A run that works later finds the switch on, and does not take that for the end of the pause either.
    assert world.whole_run(world.run("one")).sent == 0
