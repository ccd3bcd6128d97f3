"""ses-ops is taken out again, as docs/own-airflow.md says: the team's Airflow is what it was before."""

from __future__ import annotations

import re

import pytest

from tests.own_airflow.first_steps import make_task, visible_dags
from tests.own_airflow.foreign_report import complaints, foreign_dag_runs, import_errors
from tests.own_airflow.fresh_environment import REPOSITORY
from tests.own_airflow.people import administrator, log_in
from tests.own_airflow.team_airflow import FOREIGN_DAG


@pytest.fixture(scope="module")
def bereft(team, team_packages):
    """The team's Airflow without our DAG files and wheel, started again."""
    # What has a timetable of ours, and a run of the future.
    make_task(
        log_in(team, "ursula"), "weekly", type="recurring", start_at="2099-01-05T09:00", every_count="7", every_unit="d"
    )
    team.stop()
    team.remove_our_dags()
    document = (REPOSITORY / "docs" / "own-airflow.md").read_text()
    (forget,) = re.findall(r"^python - <<'END'\n(.*?)^END$", document, re.MULTILINE | re.DOTALL)
    team.run("python", "-c", forget)
    team.environment.uninstall()
    team.start()
    return team


def test_every_component_starts_without_a_word_about_an_error(bereft):
    assert complaints(bereft) == []


def test_the_environment_has_exactly_the_packages_that_it_had_before(bereft, team_packages):
    assert bereft.environment.packages() == team_packages


def test_the_teams_own_dag_runs(bereft):
    foreign_dag_runs(bereft, administrator(bereft), "after-us")


def test_no_dag_of_ours_is_left_and_no_file_has_an_error(bereft):
    admin = administrator(bereft)
    assert visible_dags(admin) == {FOREIGN_DAG}
    assert bereft.rows("SELECT dag_id FROM serialized_dag", database="airflow") == [(FOREIGN_DAG,)]
    assert import_errors(admin) == []


def test_the_pages_of_the_team_are_there_and_ours_are_not(bereft):
    admin = administrator(bereft)
    assert "/ses/static/" not in admin.get("/tasks").text, "the console answers"
    plugins = admin.api("GET", "/api/v2/plugins").json()["plugins"]
    assert "ses_ops" not in {one["name"] for one in plugins}
    for path in ("/api/v2/dags", "/api/v2/dags/~/dagRuns", "/api/v2/eventLogs", "/api/v2/connections", "/ui/dags"):
        assert admin.http.get(path).status_code == 200, path
    assert visible_dags(log_in(bereft, "ursula")) <= {FOREIGN_DAG}


@pytest.mark.full
def test_airflows_own_commands_work(bereft):
    assert FOREIGN_DAG in bereft.run("airflow", "dags", "list").stdout
    assert "ses" not in bereft.run("airflow", "plugins").stdout


def test_the_scheduler_goes_on_without_a_word_about_what_is_gone(bereft):
    assert complaints(bereft) == []
