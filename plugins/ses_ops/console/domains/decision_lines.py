"""The decisions about a sender domain as lines of its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_
from ses_ops.domain.reputation_decision import DecisionKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ses_ops.console.language import Language
    from ses_ops.domain.reputation_decision import Decision
    from ses_ops.errors import Explanation

#: Number of decisions on the page.
SHOWN = 30
#: The word and the class of the badge by kind.
KINDS: dict[DecisionKind, tuple[str, str]] = {
    DecisionKind.START: (N_("begun"), "waiting"),
    DecisionKind.RAISE: (N_("raised"), "finished"),
    DecisionKind.LOWER: (N_("lowered"), "error"),
    DecisionKind.BLOCK: (N_("blocked"), "error"),
    DecisionKind.ALARM: (N_("alarm"), "paused"),
    DecisionKind.PIN: (N_("pinned"), "sending"),
    DecisionKind.UNPIN: (N_("unpinned"), "sending"),
    DecisionKind.CAP: (N_("highest level"), "sending"),
    DecisionKind.RELEASE: (N_("released"), "sending"),
    DecisionKind.GIVE_UP: (N_("given up"), "sending"),
    DecisionKind.RESET: (N_("reset"), "sending"),
}
_LEVELS = N_("Level %(before)s → %(after)s")


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionLine:
    """One decision."""

    #: A text to translate, and the class of the badge.
    word: str
    look: str
    decided_at: datetime
    #: The moment from which on it holds, when that is later.
    effective_at: datetime | None
    why: Explanation
    #: Such as "Level 3 → 4"; empty when the level stays.
    levels: str
    shadow: bool
    #: The person who decided, and that one's reason; None: the figures did.
    actor: str | None
    note: str


def decision_lines(words: Language, decisions: Sequence[Decision]) -> list[DecisionLine]:
    """The newest decisions, as they are given."""
    return [_line(words, one) for one in decisions[:SHOWN]]


def _line(words: Language, one: Decision) -> DecisionLine:
    word, look = KINDS[one.kind]
    levels = ""
    if one.level_before is not None and one.level_after is not None and one.level_before != one.level_after:
        values = {"before": words.number(one.level_before), "after": words.number(one.level_after)}
        levels = words.gettext(_LEVELS, **values)
    return DecisionLine(
        word=word,
        look=look,
        decided_at=one.decided_at,
        effective_at=one.effective_at if one.effective_at > one.decided_at else None,
        why=one.why,
        levels=levels,
        shadow=one.shadow,
        actor=one.actor,
        note=one.note,
    )
