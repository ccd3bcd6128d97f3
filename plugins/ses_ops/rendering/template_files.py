"""The files of a folder of templates: those inside of it, as far as they may be long. Nothing else is ever read.

Whoever may write a template is not trusted with the other files of the machine: a viewer sees what is in a template.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound
from jinja2.exceptions import SecurityError

from ses_ops.errors import Explanation
from ses_ops.rendering.comments import Comment, check_comments

#: Bytes of a file. A message has 4 MB at most, and says so itself.
MAX_FILE = 8 * 1024 * 1024
#: Characters of a file that stand in `{{ }}`, `{% %}` and `{# #}`.
MAX_CODE = 100_000
_TAG_BEGINS, _TAG_ENDS = re.compile(r"\{[{%#]"), re.compile(r"[}%#]\}")


def inside(root: Path, name: str) -> Path | None:
    """A file by its path below a folder, without symbolic links; None where there is none, or a link leads out."""
    root = root.resolve()
    try:
        path = (root / name.replace("\x00", "")).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, RuntimeError):  # a link to itself, a name that is too long
        return None


def read_octets(path: Path, most: int) -> bytes:
    """The first octets of a file of `inside`: one more than `most` when there are more. Raises OSError."""
    # What was a file a moment ago may be a link out of the folder by now.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        return file.read(most + 1)


def decoded(octets: bytes, errors: str = "strict") -> str:
    """A template's file: UTF-8, with or without a byte order mark, line breaks as `\\n`. Raises UnicodeDecodeError."""
    text = octets.decode("utf-8-sig", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


class InsideLoader(BaseLoader):
    """Loads files by their path below one folder; a path or a symbolic link that leads out of it is not found."""

    def __init__(self, root: Path, transform: Callable[[str, str], str] | None = None) -> None:
        """`transform(path, source)`, if given, turns the source of every file into what is compiled."""
        self._root = root.resolve()
        self._transform = transform
        #: Sources and paths of the files that were read: what was checked is what is compiled.
        self._read: dict[str, tuple[str, str]] = {}
        #: Comments that may not be meant, in the files that were read.
        self.doubtful: dict[str, list[Comment]] = {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """The text of a file, its path (which errors name), and no check for changes: a task keeps its text."""
        if template not in self._read:
            self._read[template] = self._source(environment, template)
        return (*self._read[template], None)

    def _source(self, environment: Environment, template: str) -> tuple[str, str]:
        path = inside(self._root, template)
        if path is None:
            raise TemplateNotFound(template)
        octets = read_octets(path, MAX_FILE)
        if len(octets) > MAX_FILE:
            raise SecurityError(Explanation("file_too_large", file=path.name, most=MAX_FILE).sentence)
        source = decoded(octets)
        _check_code(source, path)
        self.doubtful[template] = check_comments(environment, source, name=template, filename=str(path))
        return (self._transform(template, source) if self._transform else source), str(path)


def _check_code(source: str, path: Path) -> None:
    """Long text is read at once; a hundred kilobytes of tags take Jinja2 and Python a second to compile."""
    code = 0
    for piece in _TAG_BEGINS.split(source)[1:]:
        end = _TAG_ENDS.search(piece)
        code += 4 + (end.start() if end else len(piece))
    if code > MAX_CODE:
        raise SecurityError(Explanation("too_much_code", file=path.name, most=MAX_CODE).sentence)
