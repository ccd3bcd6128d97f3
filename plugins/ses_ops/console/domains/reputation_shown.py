"""The reputation of a sender domain as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ses_ops.console.domains.figure_lines import LABELS, FigureLine, figure_lines, limit_of
from ses_ops.console.errors import worded
from ses_ops.console.language import N_
from ses_ops.domain.clock import END_OF_TIME
from ses_ops.domain.reputation import ENOUGH_PERCENT, FLOOR, HIGHEST, quota_of

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.application.reputation_view import NextRaise, ReputationView
    from ses_ops.console.language import Language
    from ses_ops.domain.reputation_state import ReputationState
    from ses_ops.errors import Explanation

PINNED, CAPPED, SHADOW = N_("pinned by a person"), N_("highest level set by a person"), N_("only computed")
GUARD, UNMEASURED, BLOCKED = N_("guards the calendar"), N_("unmeasured"), N_("blocked")
_SHADOW = N_(
    'Shadow mode: levels are computed and shown, and nothing of it is enforced. Take "shadow" out of the entry in '
    "ses_warmup_quota to have the level lead the quota."
)
_GUARD = N_(
    "Guard: the calendar is the plan, and the level only lowers it. A day has the smaller one of the two as its quota."
)
_PINNED = N_("A person has pinned the level; what the figures say changes nothing until it is unpinned.")
_CAPPED = N_("The level rises no higher than %(level)s.")
_HIGHEST = N_("This is the highest level.")
_AT_CAP = N_("The level is at its highest: level %(level)s, by the plan or by a person.")
_MORE = N_(
    "Level %(level)s, %(quota)s messages a day, comes as soon as %(percent)s%% of today's level, %(needed)s messages, "
    "were tried with good figures: %(missing)s more."
)
_ENOUGH = N_("Enough was tried today for level %(level)s, %(quota)s messages a day; the figures decide.")
_GOOD = N_("The figures of today and of the window are good enough.")
_UNMET = N_("%(figure)s: must be %(limit)s, today and in the window.")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReputationShown:
    """What the page says of a domain that has a reputation, or at least a person's cap or block."""

    level: int
    quota: int
    #: Messages that count today and in the window, and the window's first day.
    attempted: int = 0
    window_attempted: int = 0
    window_from: datetime | None = None
    blocked: bool = False
    #: The end of the block; `blocked_for_good`: a person has to end it.
    blocked_until: datetime | None = None
    blocked_for_good: bool = False
    blocked_why: Explanation | None = None
    next_level: int | None = None
    next_quota: int = 0
    next_day: datetime | None = None
    unmeasured: bool = False
    pinned: bool = False
    capped: bool = False
    #: (class of the badge, text to translate).
    badges: list[tuple[str, str]] = field(default_factory=list)
    #: Sentences in the reader's language.
    notes: list[str] = field(default_factory=list)
    #: What would raise the level next: (CSS class, sentence).
    next: list[tuple[str, str]] = field(default_factory=list)
    figures: list[FigureLine] = field(default_factory=list)
    floor: int = FLOOR
    highest: int = HIGHEST


def shown_of(words: Language, view: ReputationView, *, now: datetime) -> ReputationShown:
    """The reputation of a domain at a moment, in the reader's language."""
    state = view.state
    to_come = state is not None and state.next_level is not None and state.pinned_level is None
    next_level = state.next_level if state is not None and to_come else None
    return ReputationShown(
        level=view.level,
        quota=view.quota,
        attempted=view.today.attempted,
        window_attempted=view.window.attempted,
        window_from=view.window_from,
        next_level=next_level,
        next_quota=quota_of(next_level) if next_level else 0,
        next_day=state.next_day if state is not None and to_come else None,
        unmeasured=not view.measured,
        badges=_badges(view, now),
        notes=_notes(words, view),
        next=_next(words, view),
        figures=figure_lines(words, view),
        **block_of(state, now),
    )


def block_of(state: ReputationState | None, now: datetime) -> dict[str, Any]:
    """The block of a domain, and what persons set, as arguments of ReputationShown."""
    if state is None:
        return {}
    found: dict[str, Any] = {"pinned": state.pinned_level is not None, "capped": state.max_level is not None}
    if state.blocked_at(now) and state.blocked_until is not None:
        found |= {"blocked": True, "blocked_until": state.blocked_until, "blocked_why": state.blocked_why}
        found["blocked_for_good"] = state.blocked_until >= END_OF_TIME
    return found


def _badges(view: ReputationView, now: datetime) -> list[tuple[str, str]]:
    state = view.state
    held = [
        (state is not None and state.blocked_at(now), "error", BLOCKED),
        (state is not None and state.pinned_level is not None, "paused", PINNED),
        (state is not None and state.max_level is not None, "paused", CAPPED),
        (view.plan.shadow, "waiting", SHADOW),
        (view.plan.guard, "waiting", GUARD),
        (not view.measured, "paused", UNMEASURED),
    ]
    return [(look, text) for holds, look, text in held if holds]


def _notes(words: Language, view: ReputationView) -> list[str]:
    state = view.state
    notes = [words.gettext(_SHADOW)] if view.plan.shadow else []
    if view.plan.guard:
        notes.append(words.gettext(_GUARD))
    if state is not None and state.pinned_level is not None:
        notes.append(words.gettext(_PINNED))
    elif view.cap < HIGHEST:
        notes.append(words.gettext(_CAPPED, level=words.number(view.cap)))
    return notes


def _next(words: Language, view: ReputationView) -> list[tuple[str, str]]:
    found = view.next_raise
    if found is not None:
        return _raise(words, found)
    if view.state is not None and view.state.pinned_level is not None:
        return [("muted", words.gettext(_PINNED))]
    if view.level == HIGHEST:
        return [("good", words.gettext(_HIGHEST))]
    return [("muted", words.gettext(_AT_CAP, level=words.number(view.cap)))]


def _raise(words: Language, found: NextRaise) -> list[tuple[str, str]]:
    values = {"level": words.number(found.level), "quota": words.number(found.quota)}
    if found.missing:
        values |= {"needed": words.number(found.needed), "missing": words.number(found.missing)}
        lines = [("", words.gettext(_MORE, percent=words.number(ENOUGH_PERCENT), **values))]
    else:
        lines = [("good", words.gettext(_ENOUGH, **values))]
    for one in found.unmet:
        figure = words.gettext(LABELS[one.rate])
        lines.append(("warn", words.gettext(_UNMET, figure=figure, limit=limit_of(words, one))))
    if not found.unmet:
        lines.append(("good", words.gettext(_GOOD)))
    if found.held is not None:
        lines.append(("warn", worded(words, found.held)))
    return lines
