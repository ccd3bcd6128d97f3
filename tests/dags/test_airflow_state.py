"""`ses doctor` about somebody's Airflow: what concerns our mail, and nothing of other people's DAGs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.orchestration.airflow_state import findings
from tests.airflow_environment import in_environment
from tests.dags import bundles


@pytest.fixture
def running(airflow_db, world):
    """A scheduler and a DAG processor that are alive however long the test takes: they count as dead after 30 s."""
    from airflow.jobs.job import Job
    from airflow.utils.session import create_session

    with create_session() as session:
        for kind in ("SchedulerJob", "DagProcessorJob"):
            job = Job(job_type=kind, state="running")
            job.latest_heartbeat = datetime.now(UTC) + timedelta(hours=1)
            session.add(job)


def told() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for state, text in findings():
        found.setdefault(state, []).append(text)
    return found


def test_an_airflow_that_is_well_is_one_line(running):
    bundles.processor_turn()
    (line,) = told()["ok"]
    assert "no import error; 0 send task DAGs" in line
    assert list(told()) == ["ok"]


def test_an_airflow_whose_components_do_not_run_is_told_what_does_not_happen(airflow_db, world):
    bundles.processor_turn()
    assert told() == {
        "FAIL": [
            "`airflow scheduler` does not run: no send task starts",
            "`airflow dag-processor` does not run: new and changed send tasks are not read",
        ]
    }


def test_dag_files_that_airflow_does_not_know_are_missed(running, tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "foreign.py").write_text(bundles.FOREIGN)
    with in_environment(bundles.configured([bundles.local("foreign", tmp_path / "foreign")], tmp_path)):
        bundles.processor_turn()
        (text,) = told()["FAIL"]
    assert "Airflow knows no DAG file of ses-ops" in text


def test_two_copies_are_named_with_the_one_that_wins(running, tmp_path):
    copies = [bundles.local(name, bundles.our_files(tmp_path / name / "mail")) for name in ("one", "two")]
    with in_environment(bundles.configured(copies, tmp_path / "store")):
        bundles.processor_turn()
        (text,) = told()["warn"]
    assert "(one:., two:.)" in text
    assert "read last wins" in text


def test_a_broken_dag_file_is_told_if_it_is_ours(running, tmp_path):
    ours = bundles.our_files(tmp_path / "mail")
    for name in ("send_tasks.py", "team.py", "theirs.py"):
        broken = "import ses_ops.no_such_module" if name == "team.py" else "import no_such_module"
        (ours / name).write_text(f"{broken}  # airflow DAG\n")
    with in_environment(bundles.configured([bundles.local("mail", ours)], tmp_path / "store")):
        assert len(bundles.processor_turn()) == 3
        failed = told()["FAIL"]
    assert sorted(text.partition(" ")[0] for text in failed) == ["send_tasks.py", "team.py"]
