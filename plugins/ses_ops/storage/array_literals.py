"""Arrays as PostgreSQL's literals, for statements with many of them: the driver's own conversion costs more than those.

The driver quotes the literal as a whole. (docs of PostgreSQL, 8.15.2: input of arrays.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def words(values: Iterable[Any]) -> str:
    """The literal of values whose texts have no quotes, backslashes, commas, braces and spaces; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """The literal of any texts; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
