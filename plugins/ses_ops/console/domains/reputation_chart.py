"""Charts of a sender domain's level and rates by quota day: one panel a figure, each with its own scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.charts.column_chart import day_label
from ses_ops.console.charts.rate_panel import Bar, BarLook, Panel, PanelLine, draw_panel
from ses_ops.console.domains.figure_lines import LABELS
from ses_ops.console.language import N_
from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.domain.reputation import BLOCKS, FLOOR, LOWERS, RAISES, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from ses_ops.console.language import Language
    from ses_ops.domain.reputation import Figures, Ratio

_LEVEL = N_("%(when)s: level %(level)s, %(count)s messages")
_NOT_JUDGED = N_("%(when)s: not judged, %(count)s messages")
_BLOCKED = N_("%(when)s: level %(level)s, %(count)s messages, blocked")
_RATE = N_("%(when)s: %(rate)s (%(count)s of %(of)s)")
_NOTHING = N_("%(when)s: nothing to measure")
#: The end of each scale at the earliest: the level, and ten thousandths of a rate.
_LEVELS_AT_LEAST = 4
_AT_LEAST = {
    Rate.INVALID: 1_200,
    Rate.DELIVERED: 4_000,
    Rate.SPAM_BOUNCE: 600,
    Rate.COMPLAINT: 60,
    Rate.OPEN: 10_000,
}
NOT_DELIVERED = N_("Not delivered")
LEVEL = N_("Level")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartDay:
    """One quota day."""

    starts_at: datetime
    #: Number of the quota day, for a rehearsal; None: its date is shown.
    number: int | None
    level: int | None
    figures: Figures
    blocked: bool
    today: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RatePanel:
    """A panel with its heading (a text to translate), the label of its scale, and what it shows in a sentence."""

    heading: str
    panel: Panel
    highest: str


def panels(words: Language, days: Sequence[ChartDay], *, time_zone: str) -> list[RatePanel]:
    """The level, then the rates; opens only where they are known."""
    labels = [_label(words, day, time_zone) for day in days]
    rates = [rate for rate in Rate if rate is not Rate.OPEN or any(day.figures.opens_tracked for day in days)]
    below = [_rates(words, rate, days, labels, last=rate is rates[-1]) for rate in rates]
    return [_levels(words, days, labels), *below]


def shown(figures: Figures, rate: Rate) -> Ratio:
    """A rate as the chart shows it: of deliverability the share that was not delivered, so that less is better."""
    ratio = figures.rate(rate)
    return ratio._replace(part=ratio.of - ratio.part) if rate is Rate.DELIVERED else ratio


def _levels(words: Language, days: Sequence[ChartDay], labels: Sequence[str]) -> RatePanel:
    bars = [
        Bar(
            value=day.level,
            title=words.gettext(
                _NOT_JUDGED if day.level is None else _BLOCKED if day.blocked else _LEVEL,
                when=label,
                level=words.number(day.level or 0),
                count=words.number(day.figures.attempted),
            ),
            label=words.gettext("today") if day.today else label,
            look=BarLook.BAD if day.blocked else BarLook.PLAIN,
            marked=day.today,
        )
        for day, label in zip(days, labels, strict=True)
    ]
    panel = draw_panel(bars, at_least=_LEVELS_AT_LEAST)
    return RatePanel(heading=LEVEL, panel=panel, highest=words.number(panel.highest))


def _rates(words: Language, rate: Rate, days: Sequence[ChartDay], labels: Sequence[str], *, last: bool) -> RatePanel:
    bars = [_bar(words, rate, day, label) for day, label in zip(days, labels, strict=True)]
    panel = draw_panel(bars, _thresholds(rate), at_least=_AT_LEAST[rate], step=_AT_LEAST[rate] // 4, labelled=last)
    heading = NOT_DELIVERED if rate is Rate.DELIVERED else LABELS[rate]
    return RatePanel(heading=heading, panel=panel, highest=words.rate(panel.highest / 10_000))


def _bar(words: Language, rate: Rate, day: ChartDay, label: str) -> Bar:
    count, of = shown(day.figures, rate)
    today = words.gettext("today") if day.today else label
    if not of:
        return Bar(value=None, title=words.gettext(_NOTHING, when=label), label=today, marked=day.today)
    few = day.figures.attempted <= FLOOR
    bad = any(one.rate is rate and one.holds(day.figures) for one in (*LOWERS, *BLOCKS))
    cut = count * 10_000 // of
    share = words.rate((cut or (0.5 if count else 0)) / 10_000)
    return Bar(
        value=cut,
        title=words.gettext(_RATE, when=label, rate=share, count=words.number(count), of=words.number(of)),
        label=today,
        look=BarLook.FEW if few else BarLook.BAD if bad else BarLook.PLAIN,
        marked=day.today,
    )


def _thresholds(rate: Rate) -> list[PanelLine]:
    """The threshold of a raise (of the first rule that has one), and that of a lowering."""
    raises = next((one for rule in RAISES for one in rule if one.rate is rate), None)
    lowers = next((one for one in LOWERS if one.rate is rate), None)
    return [
        PanelLine(value=(1_000 - one.permille if rate is Rate.DELIVERED else one.permille) * 10, lowers=one is lowers)
        for one in (raises, lowers)
        if one is not None
    ]


def _label(words: Language, day: ChartDay, time_zone: str) -> str:
    if day.number is not None:
        return words.number(day.number)
    when: date = to_wall_clock(day.starts_at, zone(time_zone)).date()
    return day_label(words, when)
