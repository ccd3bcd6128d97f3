"""The catalogue of all templates, those of the database behind those of the folder.

It is compiled once and again after a change: a file that was changed, added or removed, a new version.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from ses_ops import settings
from ses_ops.console.database import reading
from ses_ops.rendering.template import list_templates, template_folders
from ses_ops.rendering.template_facts import TemplateFacts
from ses_ops.rendering.worker_template import WorkerTemplate, load_in_worker
from ses_ops.rendering.worker_template import facts_in_worker as template_facts
from ses_ops.sending.template_place import stored_names, stored_place, template_place
from ses_ops.storage.templates import stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ses_ops.rendering.template_place import Place
    from ses_ops.storage.templates.stored import TemplateVersion

#: A file as (path, time of the last change in nanoseconds, bytes).
_Stamp = tuple[str, int, int]


class TemplatesState(NamedTuple):
    """It changes whenever a file of the folder, or a template of the database, does."""

    root: Path
    files: frozenset[_Stamp]
    #: Versions by name.
    stored: dict[str, int]


class _Templates:
    """The templates of one state. (A template may include files of any other, so a change drops all.)"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: TemplatesState | None = None
        self._found: tuple[TemplateFacts, ...] = ()

    def get(self) -> tuple[TemplateFacts, ...]:
        state = templates_state()
        with self._lock:
            if state != self._state:
                names = [*template_folders(state.root), *state.stored]
                self._found = tuple(template_facts(place_of(name), name) for name in names)
                self._state = state
            return self._found


_TEMPLATES = _Templates()


def templates_seen() -> tuple[TemplateFacts, ...]:
    """Every template by name, also those that cannot be used."""
    return _TEMPLATES.get()


def templates_state() -> TemplatesState:
    """The state of all templates."""
    root = settings.templates_root()
    with reading() as conn:
        versions = stored.newest_versions(conn)
    hidden = set(template_folders(root))
    return TemplatesState(
        root=root,
        files=frozenset(_stamps(root)),
        stored={name: version for name, version in sorted(versions.items()) if name not in hidden},
    )


def template_names() -> list[str]:
    """The names of all templates that mail can be made of, sorted."""
    of_folder = list_templates(settings.templates_root())
    with reading() as conn:
        return sorted([*of_folder, *stored_names(conn, of_folder)])


def place_of(name: str, version: int | None = None) -> Place:
    """Where the files of a template are; of one of the database in a version, or in the newest."""
    root = settings.templates_root()
    with reading() as conn:
        place = template_place(conn, root, name)
        if version is None or place == root or (found := stored.of_version(conn, name, version)) is None:
            return place
    return stored_place(root, name, found.texts, found.version)


def versions_of(name: str) -> list[TemplateVersion]:
    """The versions of a template of the database, the newest first; none of one of the folder."""
    if (settings.templates_root() / name).is_dir():
        return []
    with reading() as conn:
        found = stored.newest(conn, name=name)
        return [] if found is None else stored.versions(conn, found.id)


def loaded_template(name: str) -> WorkerTemplate:
    """The template of a name. Raises NotFound, TemplateError."""
    return load_in_worker(place_of(name), name)


def _stamps(root: Path) -> Iterator[_Stamp]:
    for folder, _, files in os.walk(root):
        for file in files:
            path = os.path.join(folder, file)
            try:
                found = os.stat(path)
            except OSError:
                continue
            yield path, found.st_mtime_ns, found.st_size
