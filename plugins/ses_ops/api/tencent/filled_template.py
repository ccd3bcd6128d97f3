"""Values that are the same for all recipients, filled into a template: BatchSendEmail has them, a send task has not.

A template gets a statement for each of them in front: `{% set name = "..." %}`. The value is escaped where it is shown,
as a recipient's own value is. Of a variable that the recipients have, theirs holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[^\W\d]\w*")


def is_name(name: str) -> bool:
    """Whether a template can have a variable of this name, which its own statements can set."""
    return _NAME.fullmatch(name) is not None and not name.startswith("_")


def filled(part: str | None, values: Mapping[str, str]) -> str | None:
    """A part of a template with values; None: there is no such part."""
    if part is None:
        return None
    return "".join(f"{{% set {name} = {_literal(value)} %}}" for name, value in values.items()) + part


def _literal(value: str) -> str:
    """A text as Jinja2 reads it: it decodes the escapes of Python. No brace is left that could end the statement."""
    escaped = value.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return '"' + re.sub(r"[{}%#]", lambda found: f"\\x{ord(found[0]):02x}", escaped) + '"'


def filled_subject(subject: str, values: Mapping[str, str]) -> str:
    """A subject with the values in the place of `{{name}}`."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: _shown(values.get(found[1]), found[0]), subject)


def _shown(value: str | None, otherwise: str) -> str:
    """A value as a text of its own, so that nothing in it is taken for a variable."""
    if value is None:
        return otherwise
    return f"{{{{ {_literal(value)} }}}}" if "{" in value else value
