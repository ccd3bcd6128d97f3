"""The maintenance DAG starts what nobody else would."""

from __future__ import annotations

from tests.dags.test_send_task_dag import runs_of
from tests.integration.sending_world import quota

DAG = "send_task__hello"


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

    from ses_ops.operators.airflow_control import trigger_run

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
