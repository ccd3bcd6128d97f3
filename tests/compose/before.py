"""The version before: its source from this repository's history, and its image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.compose.engine import Engine, EngineError
from tests.compose.images import REPOSITORY, build_ours
from tests.compose.scene import Scene

#: The last version before the API: one service, and the schemas of single messages and of restored ledgers, are newer.
COMMIT = "3b9e9d7adb43c1d22f5806ae179abd2031a00a9d"
IMAGE = "localhost/ses-ops:before"
#: The newest schema that it knows.
SCHEMA = "0023"


def run(scene: Scene) -> None:
    """Build the image of the version before."""
    with scene.report.step(f"build the image of the version before ({COMMIT[:8]})"):
        build_ours(scene.engine, source(scene.engine), IMAGE, log=scene.engine.folder / "build-before.log")


def source(engine: Engine) -> Path:
    """Its files, in a folder that is made anew. Raises EngineError where this clone does not have them."""
    done = subprocess.run(
        ["git", "archive", "--format=tar", COMMIT], cwd=REPOSITORY, capture_output=True, timeout=60, check=False
    )
    if done.returncode:
        raise EngineError(
            f"an upgrade cannot be tried here: this clone has no history, so the version before ({COMMIT}) is not in"
            " it. `git fetch --unshallow` gets it"
        )
    folder = engine.folder / "source-before"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subprocess.run(["tar", "-x"], cwd=folder, input=done.stdout, check=True, timeout=60)
    return folder
