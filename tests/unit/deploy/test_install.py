"""The steps that the Dockerfile runs, run for real: on the files it copies, into an empty place.

Slow (about 100 s, most of it pip): the installation is made once for the tests that are marked `full`.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ses_ops import errors

pytestmark = pytest.mark.timeout(1200)

REPOSITORY = Path(errors.__file__).resolve().parents[2]


def dockerfile_instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) in the file's order, with continued lines joined and comments left out."""
    text = re.sub(r"^\s*#.*\n", "", (REPOSITORY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines if line.strip()]


def build_stage() -> list[tuple[str, str]]:
    """The instructions of the stage named `build`: everything that Python packages go through."""
    stage: list[tuple[str, str]] = []
    name = ""
    for instruction, arguments in dockerfile_instructions():
        if instruction == "FROM":
            name = arguments.rpartition(" AS ")[2]
        elif name == "build":
            stage.append((instruction, arguments))
    return stage


def copied_from_the_repository() -> list[str]:
    """What the image takes from this repository, in any stage."""
    copies = [arguments for instruction, arguments in dockerfile_instructions() if instruction == "COPY"]
    return [source for arguments in copies if "--from" not in arguments for source in arguments.split()[:-1]]


@dataclass
class Installation:
    """Where the Dockerfile's build stage was played to: `app` is its work folder, `venv` its /opt/venv."""

    app: Path
    venv: Path

    def run(self, *command: str) -> str:
        environment = {
            "PATH": f"{self.venv / 'bin'}:/usr/bin:/bin",
            "AIRFLOW_HOME": str(self.app.parent / "airflow"),
            "AIRFLOW_CONFIG": str(REPOSITORY / "deploy" / "airflow.cfg"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.app.parent / "airflow" / "logs"),
            "HOME": str(self.app.parent),
        }
        result = subprocess.run(
            [str(self.venv / "bin" / command[0]), *command[1:]],
            env=environment,
            cwd=self.app.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def copy_into(app: Path, arguments: str) -> None:
    """The Dockerfile's `COPY source... target`, from the repository into `app`."""
    *sources, target = arguments.split()
    for source in sources:
        origin = REPOSITORY / source
        if origin.is_dir():
            shutil.copytree(origin, app / target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            destination = app / target / origin.name if target.endswith("/") else app / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, destination)


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Installation:
    top = tmp_path_factory.mktemp("image")
    place = Installation(app=top / "app", venv=top / "venv")
    place.app.mkdir()
    # The caller's pip settings name the index; nothing else of its Python may help.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    for instruction, arguments in build_stage():
        if instruction == "COPY":
            copy_into(place.app, arguments)
        else:
            assert instruction == "RUN", f"this test cannot play {instruction}"
            result = subprocess.run(
                ["sh", "-c", arguments.replace("/opt/venv", shlex.quote(str(place.venv)))],
                cwd=place.app,
                env=environment
                | {"PYTHON": sys.executable, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert result.returncode == 0, f"{arguments}\n{result.stdout[-2000:]}{result.stderr[-4000:]}"
    return place


@pytest.mark.full
def test_airflow_is_installed_in_the_version_of_the_lock(installation):
    assert installation.run("airflow", "version").strip().splitlines()[-1] == "3.3.2"


@pytest.mark.full
def test_the_command_line_starts(installation):
    assert "Usage" in installation.run("ses", "--help")


@pytest.mark.full
def test_the_installation_imports_our_code_from_the_plugins_folder_that_airflow_loads(installation):
    where = installation.run("python", "-c", "import ses_ops; print(ses_ops.__file__)").strip()
    assert Path(where) == installation.app / "plugins" / "ses_ops" / "__init__.py"


@pytest.mark.full
def test_the_installation_holds_the_lock_and_nothing_else(installation):
    packages = json.loads(installation.run("pip", "list", "--format", "json"))
    installed = {canonicalize_name(package["name"]): package["version"] for package in packages}
    locked = locked_for_this_python()
    assert installed.keys() - {"pip"} == locked.keys() | {"ses-ops"}
    assert {name: installed[name] for name in locked} == locked


@pytest.mark.full
def test_no_installed_package_lacks_another(installation):
    assert "No broken requirements" in installation.run("pip", "check")


def locked_for_this_python() -> dict[str, str]:
    """Name and version of what requirements.txt holds for this interpreter and system (its markers, PEP 508)."""
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    entries = [Requirement(line.rstrip("\\ ")) for line in lines if line and line[0] not in " #"]
    here = [entry for entry in entries if entry.marker is None or entry.marker.evaluate()]
    return {canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in here}


def test_the_dockerfile_installs_packages_by_the_script_alone():
    for instruction, arguments in dockerfile_instructions():
        if instruction == "RUN":
            assert not re.search(r"\b(pip|apt|apt-get|uv|curl|wget)\b", arguments), arguments
    steps = [line for instruction, line in build_stage() if instruction == "RUN"]
    assert [re.match(r"sh deploy/install\.sh \w+ \S+", step)[0] for step in steps] == [
        "sh deploy/install.sh dependencies /opt/venv",
        "sh deploy/install.sh project /opt/venv",
    ]


def test_the_image_is_pinned_and_runs_as_a_user_without_rights():
    instructions = dockerfile_instructions()
    bases = [arguments.split()[0] for instruction, arguments in instructions if instruction == "FROM"]
    assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+", bases[0])
    assert set(bases[1:]) == {"base"}
    users = [arguments for instruction, arguments in instructions if instruction == "USER"]
    assert users == ["50000:0"]
    assert all(instruction != "ADD" for instruction, _ in instructions)


def test_everything_that_the_image_copies_is_there_and_reaches_the_builder():
    ignore = (REPOSITORY / ".dockerignore").read_text().splitlines()
    admitted = [line[1:] for line in ignore if line.startswith("!")]
    assert "*" in ignore, "what is not admitted must be left out, .env first"
    for source in copied_from_the_repository():
        assert (REPOSITORY / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in admitted), f"{source} is not in the build context"


def test_a_wrong_call_of_the_script_says_how_it_is_called(tmp_path):
    script = str(REPOSITORY / "deploy" / "install.sh")
    for arguments in ([], ["everything", str(tmp_path)], ["project"]):
        result = subprocess.run(["sh", script, *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert "usage:" in result.stderr
    result = subprocess.run(["sh", script, "project", str(tmp_path)], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "dependencies" in result.stderr
