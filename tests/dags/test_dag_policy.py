"""What every DAG of the project must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.domain.occurrence import SEND_AGAIN

STATIC = {"ses_test_send", "ses_maintenance", "ses_bounce_mailbox"}
TASKS = {"now": "immediate", "later": "scheduled", "often": "recurring", "called": "triggered"}


@pytest.fixture
def dags(world, dag_bag):
    start = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d 09:00")
    world.group("customers", 1)
    world.task("now", group="customers")
    world.task("later", group="customers", type="scheduled", start_at=start, time_zone="Asia/Tokyo")
    world.task("often", group="customers", type="recurring", start_at=start, every="24h", time_zone="Asia/Tokyo")
    world.task("called", group="customers", type="triggered")
    bag = dag_bag()
    assert bag.import_errors == {}
    return bag.dags


def test_the_static_dags_and_one_dag_a_send_task_exist(dags):
    assert set(dags) == STATIC | {f"send_task__{name}" for name in TASKS}


def test_every_dag_can_be_found_read_and_run(dags):
    for dag in dags.values():
        assert "ses-ops" in dag.tags, dag.dag_id
        assert dag.doc_md and dag.doc_md.strip().startswith("###"), dag.dag_id  # noqa: PT018
        assert dag.description, dag.dag_id
        assert dag.catchup is False, dag.dag_id
        assert dag.is_paused_upon_creation is False, dag.dag_id
        for task in dag.tasks:
            assert task.owner == "ses-ops", task
            assert task.retries >= 1, task


def test_no_task_of_ours_shows_rendered_fields_that_could_hold_a_secret(dags):
    for dag in dags.values():
        for task in dag.tasks:
            if task.task_id != "start_lost_runs":
                assert not task.template_fields, task


def test_a_send_task_says_when_it_runs_in_words(dags):
    assert dags["send_task__now"].timetable.summary.startswith("Once, at once")
    assert dags["send_task__later"].timetable.summary.endswith("09:00 Asia/Tokyo")
    assert dags["send_task__often"].timetable.summary.startswith("Every 24 hours from")
    assert dags["send_task__called"].timetable.summary == "When triggered"


def test_a_send_task_leaves_room_for_its_resume_and_carries_type_and_domain_as_tags(dags):
    for name, kind in TASKS.items():
        dag = dags[f"send_task__{name}"]
        assert dag.max_active_runs >= 3
        assert {kind, "mail.example.com"} <= set(dag.tags)
        assert dag.start_date is None  # a later one would keep triggers by hand away
        *steps, one_end, other_end = [task.task_id for task in dag.topological_sort()]
        assert steps == ["freeze_audience", "reserve_quota", "send_chunk"]
        assert {one_end, other_end} == {"all_sent", "settle"}
        # Both count for the run's state: a chunk that failed, and a run that could not be settled.
        assert not dag.get_task("all_sent").downstream_list
        assert dag.get_task("all_sent").trigger_rule == "none_failed"
        assert dag.get_task("settle").on_failure_fail_dagrun


def test_mailing_everybody_again_is_off_unless_chosen_and_no_choice_for_a_triggered_task(dags):
    for name in ("now", "later", "often"):
        assert dags[f"send_task__{name}"].params[SEND_AGAIN] is False
    assert SEND_AGAIN not in dags["send_task__called"].params


def test_every_dag_survives_airflows_serialization(dags):
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        if dag.dag_id not in STATIC:
            assert again.timetable == dag.timetable
            assert again.timetable.description == dag.timetable.description
