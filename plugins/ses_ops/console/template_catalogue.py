"""The catalogue of the templates folder, compiled once and again after a change.

A change is a file that was changed, added or removed.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.rendering.template import template_folders
from ses_ops.rendering.template_facts import TemplateFacts
from ses_ops.rendering.worker_template import facts_in_worker as template_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A file as (path, time of the last change in nanoseconds, bytes).
_Stamp = tuple[str, int, int]


class _Templates:
    """The templates of one state of the folder. (A template may include files of any other, so a change drops all.)"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: tuple[Path, frozenset[_Stamp]] | None = None
        self._found: tuple[TemplateFacts, ...] = ()

    def get(self) -> tuple[TemplateFacts, ...]:
        state = templates_state()
        root = state[0]
        with self._lock:
            if state != self._state:
                self._found = tuple(template_facts(root, name) for name in template_folders(root))
                self._state = state
            return self._found


_TEMPLATES = _Templates()


def templates_seen() -> tuple[TemplateFacts, ...]:
    """Every template by name, also those that cannot be used."""
    return _TEMPLATES.get()


def templates_state() -> tuple[Path, frozenset[_Stamp]]:
    """The state of the folder, which changes whenever a file of the folder does."""
    root = settings.templates_root()
    return root, frozenset(_stamps(root))


def _stamps(root: Path) -> Iterator[_Stamp]:
    for folder, _, files in os.walk(root):
        for file in files:
            path = os.path.join(folder, file)
            try:
                found = os.stat(path)
            except OSError:
                continue
            yield path, found.st_mtime_ns, found.st_size
