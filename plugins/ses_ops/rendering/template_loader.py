"""The loader of templates' files: what was read once is what is checked, compiled and shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound
from jinja2.exceptions import SecurityError

from ses_ops.errors import Explanation
from ses_ops.rendering.comments import Comment, check_comments
from ses_ops.rendering.template_files import MAX_FILE, decoded
from ses_ops.rendering.template_place import Place, found_file, limits_of, octets_of

_TAG_BEGINS, _TAG_ENDS = re.compile(r"\{[{%#]"), re.compile(r"[}%#]\}")


class InsideLoader(BaseLoader):
    """Loads files by their path in one place; a path or a symbolic link that leads out of its folder is not found."""

    def __init__(self, place: Place, transform: Callable[[str, str], str] | None = None) -> None:
        """`transform(path, source)`, if given, turns the source of every file into what is compiled."""
        self._place = place.resolve() if isinstance(place, Path) else place
        #: The bounds of what is made of its files.
        self.limits = limits_of(place)
        self._transform = transform
        #: Sources and paths of the files that were read: what was checked is what is compiled.
        self._read: dict[str, tuple[str, str]] = {}
        #: Comments that may not be meant, in the files that were read.
        self.doubtful: dict[str, list[Comment]] = {}

    @property
    def paths(self) -> list[str]:
        """The paths of the files that were read."""
        return [path for _, path in self._read.values()]

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """The text of a file, its path (which errors name), and no check for changes: a task keeps its text."""
        if template not in self._read:
            self._read[template] = self._source(environment, template)
        return (*self._read[template], None)

    def _source(self, environment: Environment, template: str) -> tuple[str, str]:
        found = found_file(self._place, template)
        if found is None:
            raise TemplateNotFound(template)
        path = str(found) if isinstance(found, Path) else template
        octets = octets_of(found, MAX_FILE)
        if len(octets) > MAX_FILE:
            raise SecurityError(Explanation("file_too_large", file=Path(path).name, most=MAX_FILE).sentence)
        source = decoded(octets)
        _check_code(source, path, self.limits.code)
        self.doubtful[template] = check_comments(environment, source, name=template, filename=path)
        return (self._transform(template, source) if self._transform else source), path


def _check_code(source: str, path: str, most: int) -> None:
    """Long text is read at once; a hundred kilobytes of tags take Jinja2 and Python a second to compile."""
    code = 0
    for piece in _TAG_BEGINS.split(source)[1:]:
        end = _TAG_ENDS.search(piece)
        code += 4 + (end.start() if end else len(piece))
    if code > most:
        raise SecurityError(Explanation("too_much_code", file=Path(path).name, most=most).sentence)
