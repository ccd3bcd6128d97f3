"""The files of a folder of templates: those inside of it, as far as they may be long. Nothing else is ever read.

Whoever may write a template is not trusted with the other files of the machine: a viewer sees what is in a template.
"""

from __future__ import annotations

import os
from pathlib import Path

#: Bytes of a file. A message has 4 MB at most, and says so itself.
MAX_FILE = 8 * 1024 * 1024
#: Characters of a file that stand in `{{ }}`, `{% %}` and `{# #}`.
MAX_CODE = 100_000


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
