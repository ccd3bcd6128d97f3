"""What every part of the run is given."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.compose.engine import Engine
from tests.compose.health import HealthWatch
from tests.compose.images import REPOSITORY
from tests.compose.project import Project
from tests.compose.report import Report

#: The demo profile's mailbox, as .env.example names it.
MAILBOX = "smtp://mailpit:1025/?tls=none"


@dataclass
class Scene:
    """One run."""

    engine: Engine
    report: Report

    @contextmanager
    def installation(
        self, profiles: Iterable[str], settings: dict[str, str], *, source: Path = REPOSITORY, name: str = "ses-ops"
    ) -> Iterator[Project]:
        """A new installation from the files in `source`, not started yet; its containers and volumes go at the end."""
        folder = self.engine.folder / "projects" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.engine.clear()
        project = Project(self.engine, folder, profiles, name)
        project.copy(source, settings)
        with HealthWatch(self.engine):
            try:
                yield project
            finally:
                self.engine.clear()
                shutil.rmtree(folder, ignore_errors=True)
