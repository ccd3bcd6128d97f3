"""Where an installed package finds templates: the same place in a shell, where no Airflow is loaded, and in Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.installation.empty_environment import REPOSITORY, EmptyEnvironment

#: Seconds. What takes five on a machine of its own took seventy on a crowded one.
pytestmark = pytest.mark.timeout(600)

#: First as `ses` in a shell, then with Airflow loaded, as its components are; last what the DAG file of tests offers.
PROGRAM = """
import json, runpy, sys
from ses_ops import settings
from ses_ops.airflow_places import airflow_setting, dags_folder
def seen():
    return [str(settings.templates_root()), str(dags_folder()), airflow_setting("core", "nothing")]
shell = seen()
assert "airflow" not in sys.modules
from airflow.configuration import conf
offered = runpy.run_path(sys.argv[1])["dag"].params.get_param("template").schema.get("enum")
print(json.dumps({"shell": shell, "airflow": seen(), "conf": conf.get("core", "dags_folder"), "offered": offered}))
"""


@pytest.fixture
def team(installed: EmptyEnvironment, tmp_path: Path) -> Path:
    """A team's folder of DAGs, our files in a folder of it, and an airflow.cfg that names it."""
    dags = tmp_path / "team" / "dags"
    shutil.copytree(REPOSITORY / "dags", dags / "mail", ignore=shutil.ignore_patterns("__pycache__"))
    before = installed.airflow_home / "airflow.cfg"
    kept = before.read_text() if before.exists() else None
    yield dags
    if kept is None:
        before.unlink(missing_ok=True)
    else:
        before.write_text(kept)


def template(folder: Path) -> Path:
    hello = folder / "hello"
    hello.mkdir(parents=True)
    for file in ("subject.txt", "body.txt"):
        (hello / file).write_text("Hello")
    return folder


def look(installed: EmptyEnvironment, dags: Path, **env: str) -> dict[str, object]:
    return installed.answer(PROGRAM, str(dags / "mail" / "ses_test_send.py"), **env)


@pytest.mark.parametrize("below", ["..", "."], ids=["beside the dags", "in the dags"])
def test_all_components_agree_on_the_folder_of_templates(installed, team, below):
    (installed.airflow_home / "airflow.cfg").write_text(f"[core]\ndags_folder = {team}\n")
    place = template((team / below / "include" / "templates").resolve())
    found = look(installed, team)
    assert found["shell"] == found["airflow"] == [str(place), str(team), ""]
    assert found["conf"] == str(team)
    assert found["offered"] == ["hello"]


def test_a_setting_of_airflow_names_another_place(installed, team, tmp_path):
    (installed.airflow_home / "airflow.cfg").write_text(
        f"[core]\ndags_folder = {team}\n[ses_ops]\ntemplates = {tmp_path}/from-the-file\n"
    )
    template(team.parent / "include" / "templates")
    place = template(tmp_path / "named")
    found = look(installed, team, AIRFLOW__SES_OPS__TEMPLATES=str(place))
    assert found["shell"] == found["airflow"] == [str(place), str(team), ""]
    assert installed.run("ses", "template", "list").count(f"{tmp_path}/from-the-file") == 1
