"""A run belongs to the task that it was made for, not to whichever has the name when it begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.orchestration import control
from ses_ops.orchestration.operators.run_context import MADE_FOR, run_of
from tests.actors import ANYBODY
from tests.dags.test_send_task_dag import DAG, runs_of


@pytest.fixture
def task(world, synced):
    world.group("customers", 3)
    world.task("hello", group="customers", type="triggered")
    synced()


def made_anew(world, **changes):
    """The task is deleted, and another one gets its name."""
    task_decisions.delete(world.conn, ANYBODY, "hello")
    world.group("others", 4)
    world.task("hello", group="others", **changes)


def carry_out(world, dag_run):
    """What Airflow does with a run: returns the messages that it would send."""
    run = run_of({"dag_run": dag_run, "params": dag_run.conf or {}})
    world.freeze(run)
    return world.reserve(run).reserved


@pytest.mark.parametrize("type_", ["triggered", "immediate"])
def test_what_was_triggered_for_a_deleted_task_is_not_carried_out_on_a_new_one_of_its_name(world, task, api, type_):
    later = datetime.now(UTC) + timedelta(days=30)
    for run_after in (None, None, later.isoformat()):
        answer = api.post(f"/api/v2/dags/{DAG}/dagRuns", json={"logical_date": None, "run_after": run_after})
        assert answer.status_code == 200, answer.text
    old = world.rows("SELECT id FROM send_task")[0][0]
    made_anew(world, type=type_)
    runs = runs_of(DAG)
    assert [run.conf for run in runs] == [{MADE_FOR: old}] * 3
    assert [carry_out(world, run) for run in runs] == [0, 0, 0]
    assert control.trigger_run("hello", "new")
    assert carry_out(world, runs_of(DAG)[-1]) == 4


def test_nor_is_one_that_was_made_before_runs_had_notes(world, task):
    assert control.trigger_run("hello", "old")
    (run,) = runs_of(DAG)
    run.conf = {}
    made_anew(world, type="scheduled", start_at="2030-01-01")
    assert carry_out(world, run) == 0
    assert world.overview("hello").request_count == 0


def test_a_run_of_an_earlier_task_leaves_the_error_and_the_cached_mail_of_the_new_one_alone(world, task):
    assert control.trigger_run("hello", "old")
    (run,) = runs_of(DAG)
    made_anew(world)
    own = world.run("hello")
    world.freeze(own)
    world.execute("UPDATE send_task SET error = 'the template is broken' WHERE deleted_at IS NULL")
    assert carry_out(world, run) == 0
    assert world.overview("hello").error == "the template is broken"


def test_a_configuration_that_is_copied_from_an_old_run_says_nothing_of_whose_the_new_one_is(world, task):
    made_anew(world, type="triggered")
    assert control.trigger_run("hello", "copied", {MADE_FOR: 1, "more": True})
    (run,) = runs_of(DAG)
    assert run.conf == {MADE_FOR: world.overview("hello").id, "more": True}
    assert carry_out(world, run) == 4


def test_a_run_is_made_while_our_database_is_away(world, task, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@/ses?host=/nonexistent")
    monkeypatch.setattr("ses_ops.orchestration.run_identity._away_until", 0.0)
    assert control.trigger_run("hello", "x", {"a": 1})
    assert control.trigger_run("hello", "y")
    assert [run.conf for run in runs_of(DAG)] == [{"a": 1}, {}]


def test_a_deleted_tasks_queued_runs_end_and_its_switch_is_on_for_the_next_of_its_name(world, task):
    later = datetime.now(UTC) + timedelta(days=1)
    assert control.trigger_run("hello", "later", run_after=later)
    control.pause_dag("hello")
    task_decisions.delete(world.conn, ANYBODY, "hello")
    control.forget_task("hello")
    assert [run.state for run in runs_of(DAG)] == ["failed"]
    assert control.dag_switches()["hello"] is False


@pytest.mark.parametrize("others", [0, 21])
def test_a_new_task_under_the_name_of_a_deleted_paused_one_starts(world, task, others):
    control.pause_dag("hello")
    made_anew(world, type="immediate")
    control.update_dags(created=["hello", *(f"more-{n}" for n in range(others))], changed=[])
    assert control.dag_switches()["hello"] is False


def test_runs_far_ahead_are_refused_and_few_may_wait_for_their_time(world, task, api):
    def ask(when):
        return api.post(f"/api/v2/dags/{DAG}/dagRuns", json={"logical_date": None, "run_after": when.isoformat()})

    now = datetime.now(UTC)
    refused = ask(datetime(2099, 1, 1, tzinfo=UTC))
    assert (refused.status_code, "35 days ahead" in refused.text) == (400, True)
    assert [ask(now + timedelta(days=1, seconds=n)).status_code for n in range(6)] == [200] * 4 + [400] * 2
    assert ask(now - timedelta(seconds=1)).status_code == 200, "one that is due is always taken"
    assert control.trigger_run("hello", "at-once")
    (dag_file,) = {run.dag_id for run in runs_of(DAG)}
    assert dag_file == DAG
