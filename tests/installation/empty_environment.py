"""A Python environment with what the wheel asks for and nothing else, made from the running one without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.sizes import STARTUP

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "plugins" / "ses_ops"
#: Of Airflow, so that what it says can be read.
QUIET = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "AIRFLOW__CORE__FERNET_KEY": "",
}


def known_to_git() -> set[str]:
    """The package's files as git has them, relative to the folder above the package."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=PACKAGE,
        capture_output=True,
        check=True,
    )
    names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
    return {f"ses_ops/{name}" for name in names if (PACKAGE / name).exists()}


def pip(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run pip without a network."""
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
        env={**os.environ, "PIP_NO_INDEX": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def build_wheel(into: Path) -> Path:
    """Build the wheel of this repository, with the locked setuptools."""
    done = pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), str(REPOSITORY))
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = into.glob("*.whl")
    return wheel


def wanted_by(requirements: list[str]) -> set[str]:
    """The distributions that requirements lead to, of those that are installed here, by their canonical names."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(one), "") for one in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in {"", *requirement.extras} - {one for known, one in seen if known == name}:
            seen.add((name, wanted))
            try:
                requires = distribution(name).requires or []
            except PackageNotFoundError:
                continue
            found.add(name)
            waiting += [(Requirement(one), wanted) for one in requires]
    return found


@dataclass
class EmptyEnvironment:
    """A virtual environment in `folder`, an empty working folder and an Airflow home of its own."""

    folder: Path
    requirements: list[str]
    plugins: Path = field(init=False)

    def __post_init__(self) -> None:
        venv.create(self.folder / "venv", with_pip=False, symlinks=True)
        self.work.mkdir()
        self.plugins = self.airflow_home / "plugins"
        self.plugins.mkdir(parents=True)
        (self.site_packages / "dependencies.pth").write_text(f"{self._links()}\n")

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def airflow_home(self) -> Path:
        return self.folder / "airflow"

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "venv" / "lib" / version / "site-packages"

    def install(self, wheel: Path) -> None:
        done = pip("--python", str(self.python), "install", "--no-deps", "--no-index", str(wheel))
        assert done.returncode == 0, done.stdout + done.stderr

    def uninstall(self) -> None:
        done = pip("--python", str(self.python), "uninstall", "--yes", "ses-ops")
        assert done.returncode == 0, done.stdout + done.stderr

    def files(self) -> set[str]:
        """Everything in site-packages."""
        return {str(path.relative_to(self.site_packages)) for path in self.site_packages.rglob("*")}

    def run(self, *command: str, code: int = 0, **env: str) -> str:
        """Run a program of the environment in the empty folder; what it printed."""
        done = subprocess.run(
            [str(self.python.with_name(command[0])), *command[1:]],
            env={
                "PATH": f"{self.python.parent}:{os.defpath}",
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "PYTHONPATH": STARTUP,
                "AIRFLOW_HOME": str(self.airflow_home),
                **QUIET,
                **env,
            },
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr if code else done.stdout

    def answer(self, program: str, *arguments: str, **env: str) -> dict[str, object]:
        """What a Python program prints as JSON in its last line."""
        found: dict[str, object] = json.loads(
            self.run("python", "-c", program, *arguments, **env).strip().splitlines()[-1]
        )
        return found

    def _links(self) -> Path:
        """A folder with links to what the requirements lead to, as if only that were installed."""
        links = self.folder / "dependencies"
        links.mkdir()
        for name in wanted_by(self.requirements):
            for file in distribution(name).files or []:
                top = file.parts[0]
                if top in ("..", "__pycache__") or (links / top).is_symlink():
                    continue
                (links / top).symlink_to(distribution(name).locate_file(top))
        return links
