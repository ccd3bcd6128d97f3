"""An empty Python environment with a team's plain Airflow, and our wheel on top of it when a test wants it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.sizes import STARTUP

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
#: Seconds. Without a cache everything is downloaded.
INSTALLED_WITHIN = 600.0
#: What of the test's own environment programs of another environment must not see.
_OURS = ("AIRFLOW", "SES_", "MAKE", "MFLAGS", "PYTEST", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def clean_environment() -> dict[str, str]:
    """This process's environment without what would make Airflow, or Python, another one."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def python_of(version: str) -> Path | None:
    """An interpreter of this machine, such as "3.12"; None where it has none. Nothing is downloaded."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [sys.executable, shutil.which(f"python{version}"), *pyenv.glob(f"versions/{version}.*/bin/python")]
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, found):
        # A shim of pyenv is a program that says that it is none.
        done = subprocess.run([str(candidate), "-c", ask], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return Path(candidate)
    return None


@dataclass(frozen=True, kw_only=True)
class FreshEnvironment:
    """A virtual environment in `folder`."""

    folder: Path

    @classmethod
    def make(
        cls, folder: Path, airflow: str = "3.3", python: Path | None = None, *, bare: bool = False
    ) -> FreshEnvironment:
        """Plain Airflow of a minor version with FAB; the locked versions, each checked against its hash.

        `bare`: without the packages that only our wheel asks for, and with pip to fetch them.
        """
        _uv("venv", "--quiet", "--no-project", "--python", str(python or sys.executable), str(folder))
        lock = HERE / f"requirements-{airflow}.txt"
        if bare:
            lock = folder / "requirements.txt"
            lock.write_text(_without_ours((HERE / f"requirements-{airflow}.txt").read_text()))
        made = cls(folder=folder)
        made.pip("install", "--no-deps", "--require-hashes", "--requirements", str(lock))
        if bare:
            made.pip("install", "pip")
        return made

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def pip(self, command: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`uv pip`, which does what pip does in a hundredth of the time."""
        return _uv("pip", command, "--python", str(self.bin / "python"), *arguments, check=check)

    def install(self, wheel: Path) -> None:
        """Our wheel, and nothing else: every package that it asks for must be there in a version that it takes."""
        self.pip("install", "--no-deps", str(wheel))
        missing = self.pip("check", check=False)
        assert missing.returncode == 0, missing.stdout + missing.stderr

    def packages(self) -> dict[str, str]:
        """Name and version of everything that is installed."""
        listed = json.loads(self.pip("list", "--format", "json").stdout)
        return {one["name"]: one["version"] for one in listed}

    def uninstall(self) -> None:
        self.pip("uninstall", "ses-ops")

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """What a program of this environment is run in: its `bin` stands first, as after `activate`."""
        given = clean_environment()
        return {
            **given,
            "PYTHONPATH": STARTUP,
            **settings,
            "VIRTUAL_ENV": str(self.folder),
            "PATH": os.pathsep.join([str(self.bin), given.get("PATH", os.defpath)]),
            "SCARF_ANALYTICS": "false",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def build_wheel(folder: Path, source: Path = REPOSITORY, version: str | None = None) -> Path:
    """The wheel of a checkout, in `folder`, or the same as another version; nothing is written into the checkout."""
    copy = folder / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copyfile(source / name, copy / name)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(source / "plugins", copy / "plugins", ignore=ignored)
    if version:
        about = copy / "plugins" / "ses_ops" / "__init__.py"
        about.write_text(re.sub(r"^(__version__ = ).*", rf'\1"{version}"', about.read_text(), flags=re.MULTILINE))
    # The locked build backend of the test's own environment: nothing is fetched.
    _uv(
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        str(folder),
        str(copy),
    )
    shutil.rmtree(copy)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _without_ours(lock: str) -> str:
    """A lock without the packages that are in it for our wheel alone."""
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    return "".join(one for one in entries if re.findall(r"# via(.*)$", one) != [" ses-ops (pyproject.toml)"])


@cache
def _index() -> dict[str, str]:
    """Where pip is told to fetch packages, for uv, which does not read pip's settings."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = re.findall(r"^\S+\.index-url='(.*)'$", told.stdout, re.MULTILINE)
    return {"UV_DEFAULT_INDEX": os.environ.get("UV_DEFAULT_INDEX", found[-1])} if found else {}


def _uv(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        env={**clean_environment(), **_index()},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALLED_WITHIN,
    )
    assert not check or done.returncode == 0, f"uv {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done
