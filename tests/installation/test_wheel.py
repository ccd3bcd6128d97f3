"""The wheel in an environment that has what it asks for and nothing else: no checkout, no embedded PostgreSQL."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ses_ops
from tests.installation.empty_environment import PACKAGE, REPOSITORY, known_to_git, pip

#: Seconds. What takes five on a machine of its own took seventy on a crowded one.
pytestmark = pytest.mark.timeout(600)

#: What the oldest Airflow 3 pins of what we ask for: constraints-3.0.x/constraints-3.11.txt of May 2025. Later ones are
#: higher. An Airflow that we do not support shall say so itself, and not be a riddle of pip's.
CONSTRAINTS = {
    "alembic": "1.16.1",
    "anyio": "4.9.0",
    "babel": "2.17.0",
    "charset-normalizer": "3.4.2",
    "click": "8.2.1",
    "croniter": "6.0.0",
    "email-validator": "2.2.0",
    "fastapi": "0.115.12",
    "httpx": "0.27.0",
    "idna": "3.10",
    "jinja2": "3.1.6",
    "markupsafe": "3.0.2",
    "openpyxl": "3.1.5",
    "pendulum": "3.1.0",
    "psycopg2-binary": "2.9.10",
    "python-multipart": "0.0.20",
    "pyyaml": "6.0.2",
    "rich": "13.9.4",
    "sqlalchemy": "1.4.54",
    "starlette": "0.46.2",
    "uvloop": "0.21.0",
}
AIRFLOWS_OWN = {"apache-airflow-core", "apache-airflow-providers-smtp", "apache-airflow-providers-standard"}
#: What no constraints of Airflow pin, or what has no bound of ours, so that every pin lives with it.
UNBOUNDED = {
    "aiosmtpd",
    "asgiref",
    "certifi",
    "cryptography",
    "dnspython",
    "flufl.bounce",
    "httpcore",
    "httptools",
    "uvicorn",
}
#: Walks through the commands as click knows them, and asks each for its help.
ALL_HELP = """
import contextlib, io, json, click
from ses_ops.cli import main
def walk(command, path):
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), [*path, name])
helped = {}
for path in walk(main.cli, []):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = main.run([*path, "--help"])
    helped[" ".join(path)] = code == 0 and "Usage: ses" in said.getvalue()
print(json.dumps(helped))
"""
PAGES = """
import json
from ses_ops.console.app import build_app
from ses_ops.console.language import language
from ses_ops.console.page import environment
from ses_ops.console.static_files import static_files
import ses_ops
build_app()
loaded = [environment(code).get_template(name) for code in ("en", "ja") for name in environment(code).list_templates()]
print(json.dumps({
    "place": ses_ops.__file__,
    "pages": sorted({one.name for one in loaded}),
    "static": sorted(static_files()),
    "japanese": language("ja").gettext("Send tasks"),
}))
"""


def test_the_wheel_has_every_file_of_the_package_that_git_knows_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == known_to_git()


def test_the_version_stands_in_one_place(wheel, installed):
    assert wheel.name == f"ses_ops-{ses_ops.__version__}-py3-none-any.whl"
    assert installed.run("ses", "--version").strip() == f"ses, version {ses_ops.__version__}"


def test_every_command_is_there_and_says_how_it_is_used(installed):
    helped = installed.answer(ALL_HELP)
    assert len(helped) > 30
    assert [path for path, fine in helped.items() if not fine] == []
    assert "Usage: ses" in installed.run("ses", "--help")
    assert "Usage: ses" in installed.run("python", "-m", "ses_ops.cli.main", "--help")


def test_every_page_static_file_and_language_of_the_console_is_there(installed):
    found = installed.answer(PAGES)
    assert Path(found["place"]).is_relative_to(installed.site_packages)
    assert found["pages"] == _files_below(PACKAGE / "console" / "html")
    assert found["static"] == _files_below(PACKAGE / "console" / "static")
    assert found["japanese"] == "送信タスク"


def _files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_every_module_can_be_imported_with_what_the_wheel_asks_for(installed):
    """Also those of the stack, whose own packages (the extra `stack`) are not there: a plugins folder runs them all."""
    program = """
import importlib, json, pkgutil, ses_ops
walked = pkgutil.walk_packages(ses_ops.__path__, "ses_ops.")
names = [one.name for one in walked]
failed = {}
for name in names:
    try:
        importlib.import_module(name)
    except Exception as problem:
        failed[name] = str(problem)
print(json.dumps({"number": len(names), "failed": failed}))
"""
    found = installed.answer(program)
    assert found["number"] > 300
    assert found["failed"] == {}


def test_what_the_package_imports_is_asked_for_by_name(asked_for):
    """Not only found by chance, because something else asks for it. The stack has its extra."""
    named = {canonicalize_name(one.name) for one in map(Requirement, asked_for) if "extra ==" not in str(one)}
    providers = packages_distributions()
    forgotten = {}
    for file in PACKAGE.rglob("*.py"):
        if file.is_relative_to(PACKAGE / "stack"):
            continue
        for module in imported_by(file) - {"airflow", "ses_ops"} - sys.stdlib_module_names:
            if not {canonicalize_name(one) for one in providers[module]} & named:
                forgotten[module] = file.name
    assert forgotten == {}


def imported_by(file: Path) -> set[str]:
    """The packages that a file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_migrate_works_on_a_database_without_a_checkout(installed, postgres):
    name = postgres.next_database("template0")
    uri = postgres.dsn(name)
    said = installed.run("ses", "migrate", AIRFLOW_CONN_SES_DB=uri)
    assert "0016" in said or re.search(r"\d{4}", said), said
    assert "no send task" in installed.run("ses", "task", "list", AIRFLOW_CONN_SES_DB=uri).lower()
    postgres.drop_database_soon(name)


def test_the_stack_is_refused_in_one_sentence(installed):
    said = installed.run("ses", "run", code=1)
    assert len(said.splitlines()) == 1
    assert "checkout" in said
    assert "docs/own-airflow.md" in said


def test_templates_are_found_beside_the_dags_or_the_sentence_says_where_they_are_looked_for(installed, tmp_path):
    nothing = installed.run("ses", "template", "list")
    for looked_for in ("airflow/include/templates", "airflow/dags/include/templates"):
        assert str(installed.folder / looked_for) in nothing
    assert "SES_TEMPLATES" in nothing
    elsewhere = {"SES_TEMPLATES": str(REPOSITORY / "include" / "templates")}
    assert "newsletter" in installed.run("ses", "template", "list", **elsewhere)
    project = tmp_path / "team"
    templates = project / "include" / "templates" / "hello"
    templates.mkdir(parents=True)
    (templates / "subject.txt").write_text("Hello")
    (templates / "body.txt").write_text("Hello")
    beside = {"AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags")}
    assert "hello" in installed.run("ses", "template", "list", **beside)
    below = {"AIRFLOW__CORE__DAGS_FOLDER": str(project)}
    assert "hello" in installed.run("ses", "template", "list", **below)


def test_uninstalling_leaves_nothing(plain, wheel):
    before = plain.files()
    plain.install(wheel)
    assert "Usage" in plain.run("ses", "--help")
    plain.uninstall()
    assert plain.files() == before


def test_what_the_wheel_asks_for_has_no_upper_bound_that_could_fight_with_airflows_own(asked_for):
    base = [one for one in asked_for if "extra ==" not in one]
    assert [one for one in base if re.search(r"<|==|~=", one)] == []


def test_what_the_wheel_asks_for_lives_with_the_constraints_that_airflow_publishes(asked_for):
    base = {one.name.lower(): one.specifier for one in map(Requirement, asked_for) if "extra ==" not in str(one)}
    assert base.keys() - CONSTRAINTS.keys() == AIRFLOWS_OWN | UNBOUNDED
    assert {name for name in UNBOUNDED if "<" in str(base[name]) or "==" in str(base[name])} == set()
    assert {name: pin for name, pin in CONSTRAINTS.items() if pin not in base[name]} == {}


def test_our_own_lock_lives_beside_airflows_fab_provider():
    """Flask-AppBuilder, which it stands on, wants a python-dateutil below 3."""
    lock = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^python-dateutil==2\.", lock, re.MULTILINE)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.11 is the last that brings an older setuptools")
def test_an_older_setuptools_is_told_the_minimum_in_one_sentence(tmp_path):
    import ensurepip

    (older,) = Path(ensurepip.__file__).parent.glob("_bundled/setuptools-*.whl")
    with zipfile.ZipFile(older) as archive:
        archive.extractall(tmp_path / "older")
    done = subprocess.run(
        [sys.executable, "-c", "from setuptools import build_meta; build_meta.build_wheel('.')"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "older")},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ses-ops is built with setuptools 77 or newer, and this is 6")


def test_the_folder_of_a_build_stays_as_it_was(wheel):
    assert not (REPOSITORY / "build").exists()
    assert not list((REPOSITORY / "plugins").glob("*.egg-info"))
    assert pip("--version").returncode == 0
