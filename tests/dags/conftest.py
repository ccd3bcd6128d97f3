"""Fixtures of the DAG tests: an Airflow with a real metadata database, and what its tasks need."""

from __future__ import annotations

import tests.airflow_environment as environment  # isort: skip - before anything of Airflow

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer


@pytest.fixture
def mail_server() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture
def world(ses_dsn, tmp_path, mail_server, monkeypatch) -> Iterator[World]:
    """A `ses` database and a mail server, which our operators and DAG files find in the environment."""
    world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail_server.uri)
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", ses_dsn)
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", mail_server.uri)
    monkeypatch.setenv("SES_TEMPLATES", str(world.templates))
    monkeypatch.setenv("SES_HOME", str(tmp_path / "ses-home"))
    memory = environment.HOME / "ses_send_tasks.json"
    memory.unlink(missing_ok=True)
    yield world
    world.close()
    memory.unlink(missing_ok=True)


@pytest.fixture
def set_quota(world, monkeypatch):
    """Sets the Variable `ses_warmup_quota`, and returns the plain value."""

    def set_to(value: Any) -> Any:
        monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", value if isinstance(value, str) else json.dumps(value))
        return value

    set_to(world.quota_variable)
    return set_to


@pytest.fixture
def dag_bag(airflow_db):
    """Reads the DAG files as the DAG processor does."""
    from airflow.dag_processing.dagbag import DagBag

    def read() -> Any:
        return DagBag(dag_folder=str(environment.REPOSITORY / "dags"), bundle_name="dags-folder")

    return read


@pytest.fixture
def synced(airflow_db, world):
    """Writes the DAGs to the metadata database as the DAG processor does; call it again after a change."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    def sync() -> None:
        manager = DagBundlesManager()
        manager.sync_bundles_to_db()
        (bundle,) = manager.get_all_dag_bundles()
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        sync_bag_to_db(bag, bundle.name, bundle.version)

    sync()
    return sync


@pytest.fixture(scope="session")
def api_app(airflow_template):
    """Airflow's real API server, in which everybody is an administrator (making it takes seconds)."""
    from airflow.api_fastapi.app import create_app

    with environment.in_environment(environment.SETTINGS):
        return create_app("core")


@pytest.fixture
def api(api_app, airflow_db, world):
    """A client of the API server on this test's databases."""
    from fastapi.testclient import TestClient

    with TestClient(api_app) as client:
        token = client.get("/auth/token").json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def run_dag(dag_bag, set_quota):
    """Runs a DAG from beginning to end in this process; returns the run's state and those of its tasks."""

    def run(dag_id: str, *, conf: dict[str, Any] | None = None, logical_date: datetime | None = None) -> DagOutcome:
        dag = dag_bag().dags[dag_id]
        dag_run = dag.test(run_conf=conf, logical_date=logical_date)
        return DagOutcome(dag_run)

    return run


class DagOutcome:
    """How a DAG run ended."""

    def __init__(self, dag_run: Any) -> None:
        from airflow.utils.session import create_session

        self.run_id = dag_run.run_id
        self.state = str(dag_run.state.value)
        with create_session() as session:
            found = dag_run.get_task_instances(session=session)
            self.tasks = {(one.task_id, one.map_index): str(one.state) for one in found}

    def task(self, task_id: str) -> str:
        (state,) = [state for (name, _), state in self.tasks.items() if name == task_id]
        return state
