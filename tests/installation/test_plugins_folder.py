"""The plugin in somebody's Airflow, however it got there: loaded once, and nothing else happens.

Airflow runs every `.py` of its plugins folder that no `.airflowignore` names, as a module of the file's stem.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.installation.empty_environment import PACKAGE, EmptyEnvironment

#: Seconds. What takes five on a machine of its own took seventy on a crowded one.
pytestmark = pytest.mark.timeout(600)

LOADER = Path(__file__).with_name("plugins_folder.py").read_text(encoding="utf-8")
#: What a plugin in every task's process, scheduler and triggerer must not pay for.
HEAVY = {"alembic", "openpyxl", "psycopg2", "uvloop", "babel", "charset_normalizer", "email_validator", "fastapi"}


def copy_package(environment: EmptyEnvironment, *, hidden: bool) -> Path:
    """Put the package into the plugins folder, with its hidden file or without."""
    left_out = shutil.ignore_patterns("__pycache__", *([] if hidden else [".*"]))
    return Path(shutil.copytree(PACKAGE, environment.plugins / "ses_ops", ignore=left_out))


def load(environment: EmptyEnvironment, **env: str) -> dict[str, object]:
    return environment.answer(LOADER, PYTHONDONTWRITEBYTECODE="1", **env)


def assert_nothing_happened(found: dict[str, object]) -> None:
    assert len(found["ours"]) == 1, found["names"]
    assert found["errors"] == {}
    assert found["acts"] == []
    assert found["main"] is True
    assert found["replaced"] == []
    assert found["bare"] == []


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_folder_without_its_hidden_file_is_one_plugin_and_does_nothing(plain):
    copy_package(plain, hidden=False)
    before = everything_below(plain.plugins)
    found = load(plain)
    assert_nothing_happened(found)
    assert found["ours"] == ["$PLUGINS_FOLDER/ses_ops/airflow_plugin.py"]
    assert everything_below(plain.plugins) == before
    assert everything_below(plain.work) == set()


@pytest.mark.parametrize("syntax", ["glob", "regexp"])
def test_a_folder_with_its_ignore_file_runs_the_plugin_alone(plain, syntax):
    copy_package(plain, hidden=True)
    # Somebody else's plugin in the same folder, with names that we have too.
    (plain.plugins / "settings.py").write_text("MINE = True\n")
    (plain.plugins / "team_plugin.py").write_text(
        "import settings\nfrom airflow.plugins_manager import AirflowPlugin\n"
        "class Team(AirflowPlugin):\n    name = 'team' if settings.MINE else ''\n"
    )
    found = load(plain, AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX=syntax)
    assert_nothing_happened(found)
    assert sorted(found["names"]) == ["ses_ops", "team"]
    tops = {name.partition(".")[0] for name in found["modules"]}
    assert tops & HEAVY == set()


def test_an_installed_wheel_is_one_plugin_and_brings_little(installed):
    found = load(installed)
    assert_nothing_happened(found)
    assert found["ours"][0].startswith("ses-ops==")
    tops = {name.partition(".")[0] for name in found["modules"]}
    assert tops & HEAVY == set()
    assert len([name for name in found["modules"] if name.startswith("ses_ops")]) < 27


@pytest.mark.parametrize("hidden", [True, False], ids=["with-ignore-file", "without-ignore-file"])
def test_a_wheel_and_a_folder_are_one_plugin(installed, hidden):
    folder = copy_package(installed, hidden=hidden)
    try:
        found = load(installed)
    finally:
        shutil.rmtree(folder)
    assert_nothing_happened(found)
    assert found["ours"][0].startswith("ses-ops==")
    assert Path(found["package"]).is_relative_to(installed.site_packages)


def test_airflows_own_command_lists_the_plugin_once(installed):
    listed = installed.run("python", "-m", "airflow", "plugins", "--output", "json")
    found = json.loads(listed[listed.index("[{") :])
    assert [one["source"].partition("==")[0] for one in found if one["name"] == "ses_ops"] == ["ses-ops"]
    assert "registered" not in listed


def test_no_file_has_the_name_of_a_module_that_it_would_hide():
    stems = Counter(path.stem for path in PACKAGE.rglob("*.py"))
    tops = {
        file.parts[0].partition(".")[0]
        for one in importlib.metadata.distributions()
        if one.metadata["Name"] != "ses-ops"
        for file in one.files or []
        if file.suffix in (".py", ".so") and file.parts[0] not in ("..", "__pycache__")
    }
    assert len(tops) > 100
    assert sorted(set(stems) & ({*sys.stdlib_module_names, "__main__", "airflow"} | tops)) == []
