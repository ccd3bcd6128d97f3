"""An Airflow that ses-ops does not work with is told so in one sentence, and goes on as before."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ses_ops.domain.occurrence import resume_run_id
from ses_ops.orchestration import airflow_versions
from tests.airflow_environment import REPOSITORY
from tests.dags.test_send_task_dag import DAG, runs_of

OLD = "3.1.8"
#: What each component of Airflow does with a plugin and with DAG files.
COMPONENT = """
import asyncio, sys
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from ses_ops.airflow_plugin import *
import ses_ops.airflow_plugin as module
(plugin,) = [one for one in vars(module).values() if isinstance(one, type) and one.__name__.startswith("SesOps")]
plugin.validate()
print("timetables:", len(plugin.timetables), "middlewares:", len(plugin.fastapi_root_middlewares))
said = []
async def send(message): said.append(message)
asyncio.run(plugin.fastapi_apps[0]["app"]({"type": "http"}, None, send))
print("page:", said[0]["status"], said[1]["body"].decode())
for file, error in DagBag(dag_folder=sys.argv[1], bundle_name="x").import_errors.items():
    print("import error of", file.rpartition("/")[2], error.strip().splitlines()[-1])
"""


@pytest.mark.parametrize("given", ["2.11.0", "3.0.6", "3.1.8", "3.1.9rc1"])
def test_an_airflow_that_is_too_old_is_refused_in_one_sentence_that_names_it(given):
    sentence = airflow_versions.refusal(given)
    assert f"this is Airflow {given}" in sentence
    assert "3.2 or newer" in sentence
    assert ". " not in sentence
    assert airflow_versions.untried(given) is None


@pytest.mark.parametrize("given", ["3.2.0", "3.2.2", "3.3.0b1", "3.3.2"])
def test_an_airflow_that_was_tried_is_not_spoken_of(given):
    assert airflow_versions.refusal(given) is airflow_versions.untried(given) is None


@pytest.mark.parametrize("given", ["3.4.0", "3.10.0", "4.0.0.dev0"])
def test_a_newer_one_is_let_in_with_a_warning(given):
    assert airflow_versions.refusal(given) is None
    assert f"this is Airflow {given}" in airflow_versions.untried(given)


def test_this_airflow_is_supported():
    assert airflow_versions.airflow_version()
    assert airflow_versions.refusal() is None
    airflow_versions.check_airflow()


@pytest.fixture(scope="module")
def on_an_old_airflow(tmp_path_factory) -> str:
    """What a component says whose Airflow calls itself OLD, by what pip wrote of it."""
    top = tmp_path_factory.mktemp("old-airflow")
    facts = top / f"apache_airflow_core-{OLD}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: apache-airflow-core\nVersion: {OLD}\n")
    done = subprocess.run(
        [sys.executable, "-c", COMPONENT, str(REPOSITORY / "dags")],
        env=_environment(top),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def _environment(top: Path) -> dict[str, str]:
    import os

    places = f"{top}:{REPOSITORY / 'plugins'}"
    airflow = {"AIRFLOW_HOME": str(top / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    return {**os.environ, "PYTHONPATH": places, "AIRFLOW__CORE__PLUGINS_FOLDER": str(top / "none"), **airflow}


def test_there_the_plugin_loads_adds_nothing_and_its_page_says_why(on_an_old_airflow):
    assert "timetables: 0 middlewares: 0" in on_an_old_airflow
    assert "page: 503" in on_an_old_airflow
    assert on_an_old_airflow.count(f"ses-ops needs Airflow 3.2 or newer and this is Airflow {OLD}") >= 5


@pytest.mark.parametrize("file", ["send_tasks.py", "ses_test_send.py", "ses_maintenance.py", "ses_bounce_mailbox.py"])
def test_there_each_dag_file_has_the_sentence_as_its_import_error(on_an_old_airflow, file):
    (line,) = [one for one in on_an_old_airflow.splitlines() if one.startswith(f"import error of {file}")]
    assert f"this is Airflow {OLD}" in line


@pytest.fixture
def task(world, synced):
    world.group("customers", 1)
    world.task("hello", group="customers")
    synced()


@pytest.mark.parametrize("run_type", ["operator_triggered", "manual"])
def test_a_resume_that_a_task_asks_for_waits_for_its_time_where_airflow_would_run_it_at_once(task, run_type):
    """Before 3.3 a task's request has no `run_after`, and the run is of the type of those that people ask for."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    due_at = datetime.now(UTC) + timedelta(days=100)
    by = DagRunTriggeredByType.OPERATOR
    ids = [resume_run_id(due_at + timedelta(hours=hours)) for hours in range(6)]
    for run_id in ids:
        trigger_dag(dag_id=DAG, run_id=run_id, run_type=DagRunType(run_type), triggered_by=by, conf={"resume": True})
    assert sorted(run.run_id for run in runs_of(DAG)) == sorted(ids), "as many as there are times, however far"
    assert sorted(run.run_after for run in runs_of(DAG)) == [due_at + timedelta(hours=hours) for hours in range(6)]


def test_a_resume_whose_time_has_come_runs_at_once(task):
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    now = datetime.now(UTC)
    past = resume_run_id(now - timedelta(hours=1))
    of_maintenance = "resume__recovered_2026-01-01T00:00"
    for run_id in (past, of_maintenance):
        trigger_dag(
            dag_id=DAG, run_id=run_id, run_type=DagRunType("manual"), triggered_by=DagRunTriggeredByType.OPERATOR
        )
    assert all(abs(run.run_after - now) < timedelta(minutes=5) for run in runs_of(DAG))
