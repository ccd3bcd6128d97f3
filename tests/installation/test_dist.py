"""`make dist`: the archives, from a clone, so that what is not committed here does not matter."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import ses_ops
from tests.installation.empty_environment import PACKAGE, REPOSITORY, EmptyEnvironment
from tests.installation.test_plugins_folder import assert_nothing_happened, load

#: Seconds. What takes five on a machine of its own took seventy on a crowded one.
pytestmark = pytest.mark.timeout(600)


def made_in(folder: Path, umask: int) -> Path:
    """What `make dist` makes in a clone of its own."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(folder)], check=True)
    done = subprocess.run(
        [sys.executable, "scripts/dist.py"], cwd=folder, umask=umask, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_in(tmp_path_factory.mktemp("clone") / "first", 0o077)


def names_in(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as packed:
        return {name for name in packed.namelist() if not name.endswith("/")}


def test_every_file_has_its_checksum(dist):
    lines = [line.split("  ") for line in (dist / "SHA256SUMS").read_text().splitlines()]
    assert {name: digest for digest, name in lines} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir() if path.name != "SHA256SUMS"
    }
    assert {name for _, name in lines} == {
        f"ses_ops-{ses_ops.__version__}-py3-none-any.whl",
        f"ses_ops-{ses_ops.__version__}.tar.gz",
        "dags.zip",
        "plugins.zip",
        "templates.zip",
        "requirements.txt",
    }


def test_the_same_commit_gives_the_same_bytes_in_another_folder_with_another_umask(dist, tmp_path):
    again = made_in(tmp_path / "another", 0o002)
    assert (again / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


def test_the_archives_have_what_their_names_say(dist):
    (wheel,) = dist.glob("*.whl")
    assert names_in(dist / "plugins.zip") == {name for name in names_in(wheel) if ".dist-info/" not in name}
    assert "ses_ops/.airflowignore" in names_in(dist / "plugins.zip")
    assert names_in(dist / "dags.zip") == {path.name for path in (REPOSITORY / "dags").glob("*.py")}
    assert {name.split("/")[:2][-1] for name in names_in(dist / "templates.zip")} == {"templates"}
    assert "include/templates/newsletter/subject.txt" in names_in(dist / "templates.zip")


def test_the_requirements_are_what_the_wheel_asks_for(dist, asked_for):
    lines = [line for line in (dist / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    base = [one for one in asked_for if "extra ==" not in one]
    assert [str(Requirement(line)) for line in lines] == [str(Requirement(one)) for one in base]


def test_plugins_zip_is_the_plugin_where_no_wheel_is(dist, plain: EmptyEnvironment):
    with zipfile.ZipFile(dist / "plugins.zip") as packed:
        packed.extractall(plain.plugins)
    assert (plain.plugins / "ses_ops" / "storage" / "ledger" / "messages.sql").read_text() == (
        PACKAGE / "storage" / "ledger" / "messages.sql"
    ).read_text()
    found = load(plain)
    assert_nothing_happened(found)
    assert found["ours"] == ["$PLUGINS_FOLDER/ses_ops/airflow_plugin.py"]
