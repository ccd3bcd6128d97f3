"""docs/own-airflow.md, followed word for word in an environment that never heard of us: ten lines to the first mail."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dist import pack
from tests.own_airflow.foreign_report import complaints, foreign_dag_runs, import_errors
from tests.own_airflow.fresh_environment import REPOSITORY, FreshEnvironment
from tests.own_airflow.people import administrator
from tests.own_airflow.team_airflow import FOREIGN_DAG, TeamAirflow
from tests.own_airflow.team_postgres import PASSWORD
from tests.recording_smtp import RecordingServer

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

DOCUMENT = (REPOSITORY / "docs" / "own-airflow.md").read_text()
ADDRESSES = [f"customer-{number}@people.example" for number in range(1, 51)]


def blocks(heading: str) -> list[str]:
    """The blocks of commands of a section."""
    (section,) = re.findall(rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory, wheel: Path) -> Iterator[TeamAirflow]:
    """A team's Airflow that runs, and `dist/` beside it."""
    airflow = TeamAirflow(FreshEnvironment.make(tmp_path_factory.mktemp("newcomer") / "venv", bare=True))
    try:
        dist = airflow.folder / "dist"
        dist.mkdir()
        (dist / wheel.name).write_bytes(wheel.read_bytes())
        pack(dist / "dags.zip", REPOSITORY / "dags", "", 1_800_000_000)
        pack(dist / "templates.zip", REPOSITORY / "include", "include/", 1_800_000_000)
        airflow.configure_one_folder()
        airflow.prepare()
        airflow.start()
        yield airflow
    finally:
        airflow.remove()
        airflow.environment.remove()


@pytest.fixture(scope="module")
def relay() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


def follow(airflow: TeamAirflow, block: str, relay: RecordingServer) -> subprocess.CompletedProcess[str]:
    """Type a block into a shell, with the names of this team's servers in place of the document's."""
    text = block.replace("db.example.com", "127.0.0.1").replace("5432", str(airflow.postgres.port))
    text = text.replace("login:password@mail.example.com:587/?tls=starttls", f"127.0.0.1:{relay.port}/?tls=none")
    done = subprocess.run(
        ["sh", "-eu", "-c", text],
        env={**airflow.variables, "SES_DB_PASSWORD": PASSWORD},
        cwd=airflow.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_lines_of_the_installation_run_and_change_no_package(newcomer, relay):
    before = newcomer.environment.packages()
    assert "openpyxl" not in before, "nothing has to be fetched: this proves little"
    block, _ = blocks("pip")
    assert len([line for line in block.splitlines() if not line.startswith("  ")]) <= 10
    follow(newcomer, block, relay)
    now = newcomer.environment.packages()
    assert {name: now[name] for name in before} == before


def test_after_the_restart_the_first_mail_leaves(newcomer, relay):
    newcomer.stop()
    newcomer.start()
    with (newcomer.folder / "customers.csv").open("w", newline="") as file:
        rows = [(one, "Ann", number, "SPRING") for number, one in enumerate(ADDRESSES)]
        csv.writer(file).writerows([("email", "name", "customer_id", "coupon"), *rows])
    example = (REPOSITORY / "examples" / "spring-sale.yaml").read_text()
    now = re.sub(r"^(type: ).*", r"\1immediate", example, flags=re.MULTILINE)
    now = re.sub(r"^(start_at|until|every|time_zone|start_grace):.*\n", "", now, flags=re.MULTILINE)
    (newcomer.folder / "spring-sale.yaml").write_text(now)
    _, block = blocks("pip")
    done = follow(newcomer, block, relay)
    assert "spring-sale-2027" in done.stdout
    newcomer.wait_for(lambda: relay.total >= len(ADDRESSES), "mail")
    assert dict(relay.accepted) == dict.fromkeys(ADDRESSES, 1)
    assert import_errors(administrator(newcomer)) == []


def test_the_lines_of_the_upgrade_leave_everything_as_it_was(newcomer, relay):
    (block,) = blocks("Upgrade")
    newcomer.stop()
    follow(newcomer, block, relay)
    assert "spring-sale-2027  immediate  finished" in newcomer.ses("task", "list").stdout


def test_the_lines_of_the_uninstallation_leave_nothing(newcomer, relay):
    out, rest = blocks("Uninstall")
    follow(newcomer, out, relay)
    assert "ses-ops" not in newcomer.environment.packages()
    assert newcomer.rows("SELECT dag_id FROM dag", database="airflow") == [(FOREIGN_DAG,)]
    left = newcomer.rows("SELECT name FROM ab_view_menu WHERE name LIKE 'DAG%:%'", database="airflow")
    assert {name.partition(":")[2] for (name,) in left} == {FOREIGN_DAG}
    follow(newcomer, rest, relay)
    assert newcomer.rows("SELECT conn_id FROM connection WHERE conn_id LIKE 'ses%'", database="airflow") == []
    newcomer.start()
    foreign_dag_runs(newcomer, administrator(newcomer), "after-us")
    assert complaints(newcomer) == []
