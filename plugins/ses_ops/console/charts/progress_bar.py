"""A task's counts as the parts of a bar, drawn as SVG.

(A bar made with a style attribute would need a weaker security policy.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from ses_ops.storage.ledger.progress import MessageCounts
    from ses_ops.storage.tasks.overview import TaskOverview

#: Units of the bar's width.
WIDTH = 1000

#: The parts in the order of the bar, each with its class, its count and its word, which is also the word of a message's
#: status in a list.
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
#: Parts that are named only where they are not empty.
SELDOM = frozenset({"cancelled", "retrying", "queued"})
#: The status of the messages that a part counts, where its name differs from the part's.
STATUS_OF = {"progress": "sending"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the bar; `x` and `width` in units of WIDTH."""

    kind: str
    word: str
    count: int
    x: int
    width: int


def words_of(counts: MessageCounts) -> list[tuple[str, str, str, str]]:
    """The parts that a page names, as (class, count, word, status); the SELDOM ones only where they are not empty."""
    return [
        (kind, field, word, STATUS_OF.get(kind, kind))
        for kind, field, word in PARTS
        if kind not in SELDOM or getattr(counts, field)
    ]


def parts_of(task: MessageCounts) -> list[Part]:
    """The parts that are not empty. Every part is at least one unit wide, and parts never overlap."""
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


def start_of(task: TaskOverview) -> MessageCounts:
    """The start that a task's progress is of: the newest. (Over all starts progress would fall at each new start.)"""
    return task.latest_start or task


def sent_share(counts: MessageCounts) -> float:
    """Sent of requested, from 0 to 1: the measure of progress, which never falls, because sent messages stay sent."""
    return counts.sent_count / counts.request_count if counts.request_count else 0.0
