"""The maintenance DAG starts what nobody else would."""

from __future__ import annotations

import pytest

from ses_ops.orchestration.operators.recover import RecoverOperator
from tests.dags.test_send_task_dag import runs_of
from tests.integration.sending_world import quota

DAG = "send_task__hello"


@pytest.mark.parametrize(("minutes", "cron"), [("", "* * * * *"), ("1", "* * * * *"), ("5", "*/5 * * * *")])
def test_somebody_elses_airflow_can_have_it_less_often(world, dag_bag, monkeypatch, minutes, cron):
    monkeypatch.setenv("SES_MAINTENANCE_MINUTES", minutes)
    assert dag_bag().dags["ses_maintenance"].timetable.expression == cron


@pytest.mark.parametrize("minutes", ["0", "31", "-1", "often", "1.5"])
def test_a_number_of_minutes_that_cannot_be_right_is_an_import_error_that_names_it(
    world, dag_bag, monkeypatch, minutes
):
    monkeypatch.setenv("SES_MAINTENANCE_MINUTES", minutes)
    bag = dag_bag()
    (error,) = bag.import_errors.values()
    assert "SES_MAINTENANCE_MINUTES" in error
    assert repr(minutes) in error
    assert "ses_test_send" in bag.dags


def test_with_nothing_to_do_it_is_one_task(world, run_dag):
    outcome = run_dag("ses_maintenance")
    assert (outcome.state, outcome.task("recover"), outcome.task("start_lost_runs")) == (
        "success",
        "success",
        "skipped",
    )


def test_cached_mail_that_is_due_without_a_run_gets_one(world, mail_server, run_dag, set_quota, synced):
    set_quota(quota(5))
    world.group("customers", 8)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))  # sends 8: the world's own quota is larger
    world.group("others", 8)
    world.quota_variable = quota(10)
    world.task("late", group="others")
    world.whole_run(world.run("late"))
    assert world.overview("late").cached_count == 6
    world.execute("UPDATE chunk SET due_at = now() - interval '10 minutes' WHERE state = 'cached'")
    synced()
    outcome = run_dag("ses_maintenance")
    assert outcome.state == "success"
    (run,) = runs_of("send_task__late")
    assert run.run_id.startswith("resume__recovered")
    assert run.conf == {"resume": True}
    assert runs_of(DAG) == []


def test_a_task_whose_run_is_under_way_gets_no_second_one(world, run_dag, synced):
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    from ses_ops.orchestration.control import trigger_run

    world.group("others", 8)
    world.quota_variable = quota(2)
    world.task("late", group="others")
    world.whole_run(world.run("late"))
    world.execute("UPDATE chunk SET due_at = now() - interval '10 minutes' WHERE state = 'cached'")
    synced()
    trigger_run("late", "resume__running")
    with create_session() as session:
        session.execute(update(DagRun).values(state="running"))
    run_dag("ses_maintenance")
    assert [run.run_id for run in runs_of("send_task__late")] == ["resume__running"]


class Runs:
    """A task instance that is asked for nothing but the number of DAG runs, and how its earlier runs ended."""

    dag_id, task_id, run_id = "ses_maintenance", "recover", "manual__1"

    def __init__(self, *, queued: int) -> None:
        self.queued = queued

    def get_task_states(self, **_: object) -> dict[str, dict[str, str]]:
        return {}

    def get_dr_count(self, dag_id: str, states: list[str]) -> int:
        return self.queued if states == ["queued"] else 0


def overdue_tasks(world, count: int) -> None:
    """So many tasks with a message each that is due, the first for longest."""
    world.group("others", 1)
    world.execute(
        "WITH task AS (INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone)"
        " SELECT 'late-' || n, 'immediate', 'hello', 'news@mail.example.com', 'mail.example.com', g.id, 'UTC'"
        " FROM recipient_group g, generate_series(1, %s) n WHERE g.name = 'others' RETURNING id),"
        " begun AS (INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
        " SELECT id, 'once', 'r', now(), 1 FROM task RETURNING id, task_id)"
        " INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending,"
        " sending_through, cached_at, due_at) SELECT id, task_id, 'mail.example.com', 1, 1, 'cached', 1, 0, now(),"
        " now() - interval '1 day' + task_id * interval '1 second' FROM begun",
        count,
    )


def test_no_more_runs_are_started_at_once_than_airflow_maps_the_oldest_first(world):
    overdue_tasks(world, 1_030)
    found = RecoverOperator(task_id="recover").work({"ti": Runs(queued=0)})
    assert [run["trigger_dag_id"] for run in found] == [f"send_task__late-{n}" for n in range(1, 1_025)]


def test_runs_of_the_future_do_not_count_as_one_that_is_due(world):
    overdue_tasks(world, 1)
    for queued, started in ((3, 1), (4, 0)):
        assert len(RecoverOperator(task_id="recover").work({"ti": Runs(queued=queued)})) == started
