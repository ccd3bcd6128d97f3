"""The commands of docs/production.md, run as they are written there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.compose.engine import EngineError
from tests.compose.images import REPOSITORY
from tests.compose.project import PROGRAM, Project

_DOCUMENT = REPOSITORY / "docs/production.md"


def commands(section: str) -> list[str]:
    """The blocks of shell commands of a section, in their order."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{_DOCUMENT.name} has no section {section!r}"
    return re.findall(r"^```sh\n(.*?)^```$", found[1], re.MULTILINE | re.DOTALL)


def run_as_written(project: Project, block: str, *, folder: Path | None = None, within: float = 900) -> str:
    """Run a block in the installation's folder, by a shell that stops at the first failure; its output.

    `docker` is podman-compose. `--build` is left out: there is no way to the package indexes here, and the part
    `images` has built the image. Raises EngineError with what was said.
    """
    programs = project.engine.folder / "programs" / project.name
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "docker").write_text(_docker(project))
    (programs / "docker").chmod(0o755)
    done = subprocess.run(
        ["sh", "-eu", "-c", block],
        cwd=folder or project.folder,
        env={**project.engine.environment, "PATH": f"{programs}:{project.engine.environment['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=within,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        raise EngineError(f"{block}\nended with {done.returncode}:\n{said[-3000:]}")
    return said


def _docker(project: Project) -> str:
    options = [
        f"--podman-run-args=--cgroup-parent={project.engine.cgroup}",
        "--in-pod=false",
        f"--project-name={project.name}",
    ]
    options += [word for one in project.profiles for word in ("--profile", one)]
    return f"""#!/bin/sh
[ "$1" = compose ] || {{ echo "only docker compose" >&2; exit 64; }}
shift
for word in "$@"; do
    shift
    [ "$word" = --build ] || set -- "$@" "$word"
done
exec {shlex.join([sys.executable, str(PROGRAM), *options])} "$@"
"""
