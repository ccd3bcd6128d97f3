"""What the command line does to a running Airflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.errors import DatabaseUnavailable, NotFound, SesError
from ses_ops.orchestration import control
from tests.airflow_environment import DATABASE, metadata_database
from tests.dags.test_send_task_dag import runs_of


@pytest.fixture
def task(world, synced):
    world.group("customers", 1)
    world.task("hello", group="customers")
    synced()


def test_the_switch_of_a_dag_can_be_turned_and_read(task):
    assert control.dag_switches() == {"hello": False}
    assert control.pause_dag("hello")
    assert control.dag_switches() == {"hello": True}
    assert control.unpause_dag("hello")
    assert control.dag_switches() == {"hello": False}


def test_a_task_without_a_dag_has_no_switch(task):
    assert not control.pause_dag("other")


def test_a_run_is_triggered_once_an_id(task):
    later = datetime.now(UTC) + timedelta(hours=1)
    assert control.trigger_run("hello", "resume__x", {"resume": True}, later)
    assert not control.trigger_run("hello", "resume__x", {"resume": True}, later)
    (run,) = runs_of("send_task__hello")
    assert (run.run_id, run.conf, run.run_after, run.state) == ("resume__x", {"resume": True}, later, "queued")


def test_a_run_of_a_task_without_a_dag_is_refused(task):
    with pytest.raises(NotFound, match="send_task__other"):
        control.trigger_run("other", "x")


def test_asking_twice_for_a_parse_is_asking_once(task):
    control.request_dag_parse()
    control.request_dag_parse()


def test_waiting_for_a_dag_ends_at_once_when_it_is_there_and_in_time_when_not(task):
    assert control.wait_for_dag("hello", timeout=0)
    assert not control.wait_for_dag("other", timeout=0.3)


def test_the_variable_is_read_from_airflow_when_the_environment_has_none(airflow_db, monkeypatch):
    from airflow.models.variable import Variable

    monkeypatch.delenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", raising=False)
    assert control.read_quota_variable() is None
    Variable.set("ses_warmup_quota", '{"a": 1}')
    assert control.read_quota_variable() == '{"a": 1}'
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "{}")
    assert control.read_quota_variable() == "{}"


def test_import_errors_are_told_in_one_line_each(airflow_db):
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session

    assert control.dag_import_errors() == []
    with create_session() as session:
        session.add(ParseImportError(filename="send_tasks.py", stacktrace="Traceback\n  File x\nNameError: y"))
    (problem,) = control.dag_import_errors()
    assert (problem.file, problem.error) == ("send_tasks.py", "NameError: y")


def test_a_metadata_database_that_is_away_is_one_clear_error(airflow_db):
    with (
        metadata_database("postgresql://nobody@/airflow?host=/nonexistent"),
        pytest.raises(DatabaseUnavailable, match="Airflow's database"),
    ):
        control.dag_switches()


def test_without_any_airflow_it_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.delenv(DATABASE, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SES_HOME", str(tmp_path))
    with pytest.raises(SesError, match="no Airflow: nothing runs in SES_HOME"):
        control.dag_switches()


def test_a_new_task_gets_its_dag_at_once_and_the_others_are_left_alone(task, world):
    from airflow.models.dag import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        before = session.get(DagModel, "send_task__hello").last_parsed_time
    world.task("new", group="customers")
    assert control.write_dag("new")
    assert control.dag_switches() == {"hello": False, "new": False}
    with create_session() as session:
        assert SerializedDagModel.get("send_task__new", session=session) is not None
        assert session.get(DagModel, "send_task__hello").last_parsed_time == before
        new = session.get(DagModel, "send_task__new")
        assert (new.bundle_name, new.relative_fileloc) == ("dags-folder", "send_tasks.py")
        assert new.next_dagrun_create_after is not None, "the scheduler can make its run"
    assert control.write_dag("new"), "it may be written again"


def test_what_is_no_task_gets_no_dag(task):
    assert not control.write_dag("nobody")
    assert control.dag_switches() == {"hello": False}


def test_few_new_tasks_are_written_and_everything_else_waits_for_a_parse(task, world):
    world.task("new", group="customers")
    control.update_dags(created=["new"], changed=[])
    assert not parse_requests()
    for created, changed in (
        (["new"], ["hello"]),
        ([], ["hello"]),
        (["nobody"], []),
        ([f"n-{n}" for n in range(21)], []),
    ):
        control.update_dags(created=created, changed=changed)
        assert parse_requests() == ["send_tasks.py"], (created, changed)


def parse_requests() -> list[str]:
    """Takes the requests that wait for the DAG processor."""
    return [relative for _, relative in waiting_requests()]


def waiting_requests() -> list[tuple[str, str]]:
    """Takes them: bundle and file."""
    from airflow.models.dagbag import DagPriorityParsingRequest
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = list(session.scalars(select(DagPriorityParsingRequest)))
        for request in found:
            session.delete(request)
        return [(request.bundle_name, request.relative_fileloc) for request in found]
