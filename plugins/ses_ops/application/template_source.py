"""Templates of a long-lived process by name: those of the folder first, then those of the database.

A template is compiled once. One of the folder is compiled again when a file has changed, one of the database when it
has another version; whether it has is asked every half a second at most, and at once after a change by this process.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.errors import TemplateError
from ses_ops.rendering.mail_parts import MailSource
from ses_ops.rendering.remembered import Remembered
from ses_ops.rendering.template import HTML, SAMPLE, SUBJECT, TEXT, MailTemplate, is_template_name, load_template
from ses_ops.sending.single.prepared_mail import FoundTemplate
from ses_ops.sending.template_place import stored_place
from ses_ops.storage.connection import transaction
from ses_ops.storage.templates import stored

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Seconds between two looks at the files of a template, and at the newest version of one of the database.
LOOKS, ASKS = 2.0, 0.5
#: Names whose newest version is remembered.
_MOST_NAMES = 10_000


class _Loaded(NamedTuple):
    source: MailSource
    files: tuple[tuple[str, int, int], ...]
    looked_at: float


class _Newest(NamedTuple):
    #: None: there is no template of the name.
    version: int | None
    asked_at: float
    changes: int


class _Changes:
    """Counts the changes of stored templates that this process has made."""

    count = 0


def note_change() -> None:
    """Note that this process has changed a template of the database."""
    _Changes.count += 1


class TemplateSource:
    """The templates of a process. Threads may share it.

    `find` asks no database. Where `needs` says so, `load` is called before, in a thread that may wait.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._loaded: dict[str, _Loaded] = {}
        self._newest: dict[str, _Newest] = {}
        self._stored: Remembered[MailSource] = Remembered(characters=16_000_000, most=2_000)
        self._lock = threading.Lock()

    def needs(self, name: str, version: int | None = None) -> bool:
        """Whether `load` has to be called before `find`."""
        if version is not None:
            return self._stored.known((name, version)) is None
        if not is_template_name(name):
            return False
        if self._is_of_folder(name):
            return name not in self._loaded
        newest = self._newest.get(name)
        if newest is None or newest.changes != _Changes.count or self._clock() - newest.asked_at >= ASKS:
            return True
        return newest.version is not None and self._stored.known((name, newest.version)) is None

    def load(self, conn: Connection, name: str, version: int | None = None) -> None:
        """Compile a template that is not known yet; one that is not of the folder is read. Raises TemplateError."""
        if version is None and is_template_name(name) and self._is_of_folder(name):
            self._of_folder(name)
            return
        changes, now = _Changes.count, self._clock()
        with transaction(conn):
            found = stored.newest(conn, name=name) if version is None else stored.of_version(conn, name, version)
        if version is None:
            if len(self._newest) >= _MOST_NAMES:
                self._newest.clear()
            self._newest[name] = _Newest(found.version if found else None, now, changes)
        if found is not None:
            place = stored_place(self._root, name, found.texts, found.version)
            size = sum(len(text or "") for text in found.texts)
            self._stored.get((name, found.version), size, lambda: MailSource(load_template(place, name)))

    def find(self, name: str, version: int | None = None) -> FoundTemplate:
        """The template, in this version or the newest. Raises TemplateError."""
        if version is None and is_template_name(name) and self._is_of_folder(name):
            return FoundTemplate(self._of_folder(name), None)
        newest = self._newest.get(name)
        wanted = version if version is not None else newest.version if newest is not None else None
        source = None if wanted is None else self._stored.known((name, wanted))
        if source is None:
            raise TemplateError("template_unknown", template=name, field="template")
        return FoundTemplate(source, wanted)

    def _is_of_folder(self, name: str) -> bool:
        known = self._loaded.get(name)
        if known is not None and self._clock() - known.looked_at < LOOKS:
            return True
        return (self._root / name).is_dir()

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
