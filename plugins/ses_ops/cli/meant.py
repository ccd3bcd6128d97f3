"""Proposals for unknown words: "did you mean ...?"."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_ops.errors import NotFound


def meant(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that names the closest word; empty when none is close."""
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(word.lower(), by_lower, 1)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""


def meant_instead(problem: NotFound) -> str:
    """The end of a sentence for a missing object that names the closest one of its kind. Never raises."""
    with suppress(Exception):  # a hint that cannot be made must not hide the error
        return meant(problem.name, _names(problem.kind))
    return ""


def _names(kind: str) -> list[str]:
    from ses_ops.cli.session import database
    from ses_ops.storage.audience import recipients
    from ses_ops.storage.tasks import overview

    if kind not in ("send task", "recipient group"):
        return []
    with database() as conn:
        found = overview.list_tasks(conn) if kind == "send task" else recipients.list_groups(conn)
        return [one.name for one in found]
