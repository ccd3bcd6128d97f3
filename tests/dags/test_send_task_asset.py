"""The asset of a send task is updated once for each occurrence that finishes, and starts DAGs that wait for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ses_ops.application.announce_occurrences import to_announce

CONSUMER = """
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG(dag_id="after_spring", schedule=[Asset("ses://send-task/spring")], is_paused_upon_creation=False):
    EmptyOperator(task_id="begin")
"""


@pytest.fixture
def consumer(synced, tmp_path):
    """A DAG of somebody else that starts from the asset, in Airflow's database."""
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "after_spring.py").write_text(CONSUMER)
    bag = DagBag(dag_folder=str(folder), bundle_name="dags-folder")
    assert not bag.import_errors
    sync_bag_to_db(bag, "dags-folder", None)


def events():
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.execute(
            select(AssetModel.uri, AssetEvent.extra).join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
        )
        return [(uri, extra if isinstance(extra, dict) else json.loads(extra)) for uri, extra in found]


def started():
    """Lets the scheduler start what waits for assets; the runs of the consumer so far, with the events of each."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        runner = SchedulerJobRunner(job=Job())
        query, _ = DagModel.dags_needing_dagruns(session)
        runner._create_dag_runs_asset_triggered(
            dag_models=[model for model in query if model.dag_id == "after_spring"], session=session
        )
        session.flush()
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == "after_spring"))
        return [len(run.consumed_asset_events) for run in runs]


def test_a_dag_that_waits_for_the_asset_is_started_once_for_each_occurrence(world, run_dag, consumer):
    world.group("customers", 3)
    world.task("spring", group="customers")
    run_dag("ses_maintenance", logical_date=datetime(2026, 11, 1, tzinfo=UTC))
    assert events() == [], "nothing has finished"
    world.whole_run(world.run("spring"))
    run_dag("ses_maintenance", logical_date=datetime(2026, 11, 2, tzinfo=UTC))
    ((uri, extra),) = events()
    assert uri == "ses://send-task/spring"
    counts = {
        name: extra[name] for name in ("start", "request", "sent", "failed", "suppressed", "unknown", "cancelled")
    }
    assert counts == {"start": 1, "request": 3, "sent": 3, "failed": 0, "suppressed": 0, "unknown": 0, "cancelled": 0}
    assert started() == [1]
    run_dag("ses_maintenance", logical_date=datetime(2026, 11, 3, tzinfo=UTC))
    run_dag("ses_maintenance", logical_date=datetime(2026, 11, 4, tzinfo=UTC))
    assert len(events()) == 1
    assert started() == [1]
    assert world.rows("SELECT announced_by FROM occurrence") == [("",)]


def test_what_a_run_that_died_was_to_announce_is_announced_by_the_next_one(world):
    world.group("customers", 3)
    world.task("spring", group="customers")
    world.whole_run(world.run("spring"))
    states = {"first": "failed", "second": "success"}

    def announced(run_id):
        return [one.task for one in to_announce(world.conn, run_id=run_id, states_of=lambda _: states)]

    assert announced("first") == ["spring"]
    assert announced("first") == ["spring"], "a retry of the same run announces it again"
    assert announced("second") == ["spring"], "the first run has failed"
    assert announced("third") == [], "the second one has succeeded"
    assert announced("fourth") == []


def test_a_mailing_that_goes_on_after_its_end_is_announced_once(world):
    world.group("customers", 3)
    world.task("spring", group="customers")
    world.whole_run(world.run("spring"))
    assert len(to_announce(world.conn, run_id="a", states_of=dict)) == 1
    world.execute("UPDATE occurrence SET finished_at = NULL")
    assert to_announce(world.conn, run_id="b", states_of=lambda _: {"a": "success"}) == []
    world.execute("UPDATE occurrence SET finished_at = now()")
    assert to_announce(world.conn, run_id="c", states_of=lambda _: {"a": "success"}) == []


@pytest.mark.parametrize("change", ["type = 'test'", "deleted_at = now()"])
def test_a_test_send_and_a_deleted_task_have_no_asset(world, change):
    world.group("customers", 3)
    world.task("spring", group="customers")
    world.whole_run(world.run("spring"))
    world.execute(f"UPDATE send_task SET {change}")
    assert to_announce(world.conn, run_id="a", states_of=dict) == []
    assert to_announce(world.conn, run_id="b", states_of=dict) == []
