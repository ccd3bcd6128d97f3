"""The other supported versions of Airflow and Python: the main job, a quota that is used up, and no package changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.own_airflow.first_steps import connect_database, connect_relay, import_group, make_task, visible_dags
from tests.own_airflow.foreign_report import foreign_dag_runs, import_errors
from tests.own_airflow.fresh_environment import FreshEnvironment, python_of
from tests.own_airflow.people import administrator
from tests.own_airflow.team_airflow import FOREIGN_DAG, TeamAirflow
from tests.recording_smtp import RecordingServer

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

#: Airflow's minor version (each has a lock in this folder) and Python's. The running Python has all other tests.
OTHERS = [("3.2", "3.12"), ("3.3", "3.13")]
ADDRESSES = [f"reader-{number}@people.example" for number in range(1, 101)]
DAILY = 60
QUEUED = "SELECT run_after FROM dag_run WHERE dag_id = 'send_task__hello' AND state = 'queued'"


@pytest.fixture(scope="module", params=OTHERS, ids=lambda pair: "-".join(pair))
def other(request, tmp_path_factory, wheel: Path) -> Iterator[TeamAirflow]:
    airflow_version, python_version = request.param
    python = python_of(python_version)
    if python is None:
        pytest.skip(f"this machine has no Python {python_version}")
    folder = tmp_path_factory.mktemp("other")
    airflow = TeamAirflow(FreshEnvironment.make(folder / "venv", airflow=airflow_version, python=python))
    try:
        airflow.environment.install(wheel)
        airflow.prepare()
        airflow.place_our_dags()
        airflow.start()
        yield airflow
    finally:
        airflow.remove()
        airflow.environment.remove()


def test_the_main_job_and_its_pause_until_tomorrow(other):
    admin = administrator(other)
    with RecordingServer() as server:
        connect_database(other, admin)
        connect_relay(admin, server, daily=DAILY)
        other.ses("migrate")
        import_group(other, "customers", ADDRESSES)
        other.wait_for(lambda: {FOREIGN_DAG, "ses_test_send"} <= visible_dags(admin), "DAGs of both bundles")
        assert import_errors(admin) == []
        make_task(admin, "hello")
        other.wait_for(lambda: "goes on" in admin.get("/tasks").text, "pause of the task")
        assert dict(server.accepted) == dict.fromkeys(server.accepted, 1)
        assert server.total == DAILY
        # The page says so when the ledger does; the run is asked for a moment later.
        (waiting,) = other.wait_for(lambda: other.rows(QUEUED, database="airflow"), "queued run of tomorrow")
        assert waiting[0] > datetime.now(UTC) + timedelta(hours=1), "it would go on at once"
        foreign_dag_runs(other, admin, "beside-us")
    assert "0 of" not in other.ses("doctor").stdout
