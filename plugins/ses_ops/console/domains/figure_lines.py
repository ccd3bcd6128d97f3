"""The five rates of a sender domain as lines of a table: today's and the window's, each with its distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_
from ses_ops.domain.reputation import BLOCKS, FLOOR, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_ops.application.reputation_view import Limit, RateLine, ReputationView
    from ses_ops.console.language import Language
    from ses_ops.domain.reputation import Ratio, Threshold

LABELS: dict[Rate, str] = {
    Rate.INVALID: N_("Invalid addresses"),
    Rate.DELIVERED: N_("Delivered"),
    Rate.SPAM_BOUNCE: N_("Refused as spam"),
    Rate.COMPLAINT: N_("Complaints"),
    Rate.OPEN: N_("Opened by people"),
}
_BELOW, _ABOVE = N_("below %(percent)s%%"), N_("above %(percent)s%%")
#: By whether the rate has to stay below its threshold: when the threshold of a raise is kept, and when it is not.
_KEPT = {True: N_("%(count)s more would be too many"), False: N_("%(count)s fewer would be too few")}
_MISSED = {True: N_("%(count)s too many"), False: N_("%(count)s more are needed")}
_NOT_KNOWN = N_("not known yet")
#: What a threshold does that is passed, by its rule.
_PASSED = {
    "lower": N_("It lowers the level from the next quota day on."),
    "block": N_("It blocks the domain until the quota day ends."),
}
_FLOOR = N_("Looked at from %(count)s messages on.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A threshold of a rate, and the distance of today's figure to it in words."""

    #: Such as "above 9%".
    limit: str
    distance: str
    #: The CSS class of the distance: good, bad, muted.
    look: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureLine:
    """One rate."""

    rate: Rate
    #: A text to translate.
    label: str
    today: Ratio
    window: Ratio
    raises: tuple[Bound, ...]
    lowers: Bound | None
    blocks: Bound | None


def figure_lines(words: Language, view: ReputationView) -> list[FigureLine]:
    """The lines of all rates; that of opens only where opens are known."""
    return [
        FigureLine(
            rate=line.rate,
            label=LABELS[line.rate],
            today=line.today,
            window=line.window,
            raises=_raises(words, line),
            lowers=_bad(words, view, line, "lower"),
            blocks=_bad(words, view, line, "block"),
        )
        for line in view.rates
        if line.rate is not Rate.OPEN or view.today.opens_tracked or view.window.opens_tracked
    ]


def _raises(words: Language, line: RateLine) -> tuple[Bound, ...]:
    """The thresholds of the rate in both rules, the stricter first, each once."""
    found = {one.threshold: one for one in line.limits if one.rule.startswith("raise")}
    ordered = sorted(found.values(), key=lambda one: one.threshold.permille, reverse=True)
    return tuple(_raise(words, line, one) for one in ordered)


def _raise(words: Language, line: RateLine, one: Limit) -> Bound:
    limit, below = limit_of(words, one.threshold), not one.threshold.above
    if line.today.of == 0:
        return Bound(limit=limit, distance=words.gettext(_NOT_KNOWN), look="muted")
    distance = words.gettext((_KEPT if one.holds else _MISSED)[below], count=words.number(one.distance))
    return Bound(limit=limit, distance=distance, look="good" if one.holds else "warn")


def _bad(words: Language, view: ReputationView, line: RateLine, rule: str) -> Bound | None:
    one = _first(line.limits, rule)
    if one is None:
        return None
    limit = limit_of(words, one.threshold)
    if line.today.of == 0:
        return Bound(limit=limit, distance="", look="muted")
    if not one.holds:
        return Bound(limit=limit, distance=_distance(words, one.threshold, one.distance), look="muted")
    if view.today.attempted <= FLOOR:
        return Bound(limit=limit, distance=words.gettext(_FLOOR, count=words.number(FLOOR + 1)), look="warn")
    return Bound(limit=limit, distance=words.gettext(_PASSED[rule]), look="bad")


def _first(limits: Sequence[Limit], rule: str) -> Limit | None:
    return next((one for one in limits if one.rule == rule), None)


def limit_of(words: Language, one: Threshold) -> str:
    """A threshold in words, such as "above 9%"."""
    return words.gettext(_ABOVE if one.above else _BELOW, percent=words.number(one.permille / 10))


def _distance(words: Language, one: Threshold, count: int) -> str:
    """The number of messages more that would pass a threshold, in a sentence."""
    blocks = one in BLOCKS
    match one.rate, blocks:
        case Rate.INVALID, False:
            return words.ngettext(
                "%(num)s more invalid address today would lower the level.",
                "%(num)s more invalid addresses today would lower the level.",
                count,
            )
        case Rate.INVALID, True:
            return words.ngettext(
                "%(num)s more invalid address today would block the domain.",
                "%(num)s more invalid addresses today would block the domain.",
                count,
            )
        case Rate.SPAM_BOUNCE, False:
            return words.ngettext(
                "%(num)s more mail refused as spam today would lower the level.",
                "%(num)s more mails refused as spam today would lower the level.",
                count,
            )
        case Rate.SPAM_BOUNCE, True:
            return words.ngettext(
                "%(num)s more mail refused as spam today would block the domain.",
                "%(num)s more mails refused as spam today would block the domain.",
                count,
            )
        case Rate.COMPLAINT, _:
            return words.ngettext(
                "%(num)s more complaint today would lower the level.",
                "%(num)s more complaints today would lower the level.",
                count,
            )
    return words.ngettext(
        "%(num)s more mail that is not delivered today would lower the level.",
        "%(num)s more mails that are not delivered today would lower the level.",
        count,
    )
