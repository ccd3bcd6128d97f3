"""A task's counts as the parts of a bar, drawn as SVG: a style attribute would need a weaker security policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from ses_ops.storage.ledger.progress import Counts
    from ses_ops.storage.tasks.overview import LatestStart, TaskOverview

#: Units of the bar's width.
WIDTH = 1000

#: In the order in which they stand in the bar: the class of the part, the count, its word. The word of a message's
#: status in a list is the same one (tasks/messages.py).
PARTS = (
    ("sent", "sent_count", N_("sent")),
    ("failed", "failed_count", N_("failed")),
    ("suppressed", "suppressed_count", N_("suppressed")),
    ("unknown", "unknown_count", N_("in doubt")),
    ("cancelled", "cancelled_count", N_("cancelled")),
    ("cached", "cached_count", N_("cached")),
    ("retrying", "retrying_count", N_("retrying")),
    ("queued", "queued_count", N_("waiting for its turn")),
    ("progress", "in_progress_count", N_("on its way")),
)
#: Named only where there are any.
SELDOM = frozenset({"cancelled", "retrying", "queued"})
#: The status of messages that a part counts, where it has another name.
STATUS_OF = {"progress": "sending"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the bar; `x` and `width` in units of WIDTH."""

    kind: str
    word: str
    count: int
    x: int
    width: int


def words_of(counts: TaskOverview | Counts) -> list[tuple[str, str, str, str]]:
    """The parts that a page names: class, count, word, status. Those that are seldom only where there are any."""
    return [
        (kind, field, word, STATUS_OF.get(kind, kind))
        for kind, field, word in PARTS
        if kind not in SELDOM or getattr(counts, field)
    ]


def parts_of(task: TaskOverview | LatestStart | Counts) -> list[Part]:
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


def start_of(task: TaskOverview) -> TaskOverview | LatestStart:
    """What a task's progress is of: its newest start. Over all starts it would fall whenever one begins."""
    return task.latest_start or task


def sent_share(counts: TaskOverview | LatestStart | Counts) -> float:
    """Sent of requested, from 0 to 1: the one measure of progress. It never falls: what was sent stays sent."""
    return counts.sent_count / counts.request_count if counts.request_count else 0.0
