"""A task's counts as the parts of a bar, drawn as SVG: a style attribute would need a weaker security policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from ses_ops.storage.overview import TaskOverview
    from ses_ops.storage.task_progress import Counts

#: Units of the bar's width.
WIDTH = 1000

#: In the order in which they stand in the bar: the class of the part, the count, its word.
PARTS = (
    ("sent", "sent_count", N_("sent")),
    ("failed", "failed_count", N_("failed")),
    ("suppressed", "suppressed_count", N_("suppressed")),
    ("unknown", "unknown_count", N_("in doubt")),
    ("cached", "cached_count", N_("cached")),
    ("progress", "in_progress_count", N_("on its way")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the bar; `x` and `width` in units of WIDTH."""

    kind: str
    word: str
    count: int
    x: int
    width: int


def parts_of(task: TaskOverview | Counts) -> list[Part]:
    """The parts that are not empty. A part that exists is at least one unit wide, and they never overlap."""
    found: list[Part] = []
    total, before, at = max(task.request_count, 1), 0, 0
    for kind, field, word in PARTS:
        count = getattr(task, field)
        if not count:
            continue
        before += count
        end = min(WIDTH, max(at + 1, before * WIDTH // total))
        found.append(Part(kind=kind, word=word, count=count, x=at, width=end - at))
        at = end
    return found


def settled_share(task: TaskOverview | Counts) -> float:
    """The share of messages whose fate is decided, from 0 to 1."""
    settled = task.sent_count + task.failed_count + task.suppressed_count + task.unknown_count
    return settled / task.request_count if task.request_count else 0.0
