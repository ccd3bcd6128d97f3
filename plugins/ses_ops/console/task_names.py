"""Names that a form proposes for a new send task, and for the clone of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date


def proposed_name(template: str, day: date, taken: Iterable[str]) -> str:
    """A name for a new task: `newsletter-2026-12-01`, with a number behind it if a task has that name."""
    base = re.sub(r"[^a-z0-9]+", "-", template.lower()).strip("-")[:60].strip("-") or "mail"
    return _free(f"{base}-{day:%Y-%m-%d}", set(taken))


def name_of_clone(name: str, taken: Iterable[str]) -> str:
    """The name of a clone: `spring-sale-copy` for `spring-sale`, `spring-sale-copy-2` for `spring-sale-copy`."""
    base = re.sub(r"-copy(-\d+)?$", "", name)[:90].rstrip("-")
    return _free(f"{base}-copy", set(taken))


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
