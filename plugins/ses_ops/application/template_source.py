"""Templates by name: those of the folder first, then those that the API has stored."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from ses_ops.errors import NotFound
from ses_ops.rendering.mail_parts import MailSource
from ses_ops.rendering.template import HTML, SAMPLE, SUBJECT, TEXT, MailTemplate, load_template
from ses_ops.sending.single.prepared_mail import FoundTemplate

#: Seconds between two looks at the files of a template.
LOOKS = 2.0


class _Loaded(NamedTuple):
    source: MailSource
    files: tuple[tuple[str, int, int], ...]
    looked_at: float


class TemplateSource:
    """The templates of a long-lived process, compiled once and again when a file has changed. Threads may share it."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def find(self, name: str, version: int | None = None) -> FoundTemplate:
        """The template, in this version or the newest. Raises NotFound, TemplateError."""
        if version is None and (self._root / name).is_dir():
            return FoundTemplate(self._of_folder(name), None)
        raise NotFound("template", name, code="no_such_template", field="template")

    def _of_folder(self, name: str) -> MailSource:
        now = self._clock()
        known = self._loaded.get(name)
        if known is not None and now - known.looked_at < LOOKS:
            return known.source
        with self._lock:
            if known is not None and _stamps(file for file, _, _ in known.files) == known.files:
                self._loaded[name] = known._replace(looked_at=now)
                return known.source
            template = load_template(self._root, name)
            found = _Loaded(MailSource(template), _stamps(_files_of(template, self._root / name)), now)
            self._loaded[name] = found
            return found.source


def _files_of(template: MailTemplate, folder: Path) -> list[str]:
    """The files that the template was made of, and those that it would be made of if they existed."""
    own = {str(folder / name) for name in (SUBJECT, HTML, TEXT, SAMPLE)}
    return sorted(own | {path for one in template.environments for path in one.paths})


def _stamps(files: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    found = []
    for file in files:
        try:
            stat = os.stat(file)
            found.append((file, stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((file, 0, 0))
    return tuple(found)
