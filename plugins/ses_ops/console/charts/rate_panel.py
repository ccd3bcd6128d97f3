"""A low chart of one rate, or of a level, by day, with its thresholds as lines: several stand below each other.

Positions along the width are percentages and heights are pixels, as in `column_chart`. Each panel has a scale of its
own, because a complaint rate of 0.5 % is as bad as an invalid rate of 9 %. The page has the same numbers in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Pixels of height: of the bars, of the room above them, and of the labels below the last panel.
HEIGHT, ABOVE, BELOW = 56, 8, 22
#: Share of its place that a bar fills.
_FILLED = 0.72
#: Pixels of the lowest bar, so that every number above zero is seen.
_LOWEST = 2.0
#: Largest number of labels below the bars.
_LABELS = 4


class BarLook(StrEnum):
    """The colour of a bar."""

    PLAIN = "plain"
    #: Beyond a threshold that lowers the level, or a day on which the domain was blocked.
    BAD = "bad"
    #: Of so few messages that the rules do not look at the day.
    FEW = "few"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The value of one day; None without a value."""

    value: int | None
    #: The numbers in words, shown when the bar is hovered.
    title: str
    #: The label below, written when there is room.
    label: str
    look: BarLook = BarLook.PLAIN
    #: Whether the bar is today's.
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class PanelLine:
    """A line across the panel: `lowers` is drawn in the colour of what is bad, the other in that of what is good."""

    value: int
    lowers: bool


@dataclass(frozen=True, kw_only=True)
class DrawnBar:
    """A placed bar: `x`, `width` and `middle` are percentages, `bar` is (pixels from the top, pixels of height)."""

    source: Bar
    x: str
    width: str
    middle: str
    place: str
    place_width: str
    bar: tuple[float, float] | None
    labelled: bool
    anchor: str


@dataclass(frozen=True, kw_only=True)
class DrawnLine:
    """A placed threshold, in pixels from the top."""

    y: float
    lowers: bool


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The panel as the template draws it."""

    bars: Sequence[DrawnBar]
    thresholds: Sequence[DrawnLine]
    #: The highest value of the scale, for its label.
    highest: int
    #: Whether days are written below the bars.
    labelled: bool
    top: int = ABOVE
    base: int = ABOVE + HEIGHT

    @property
    def height(self) -> int:
        return self.base + (BELOW if self.labelled else 2)


def draw_panel(
    bars: Sequence[Bar], thresholds: Sequence[PanelLine] = (), *, at_least: int, step: int = 1, labelled: bool = False
) -> Panel:
    """Place the bars side by side. The scale ends at the highest value or threshold, and at `at_least` at the earliest.

    It ends at a multiple of `step`. `labelled`: write the days below the bars.
    """
    values = [one.value for one in bars if one.value is not None]
    highest = -(-max(at_least, *values, *(one.value for one in thresholds), 1) // step) * step

    def pixels(value: int) -> float:
        return round(value / highest * HEIGHT, 1)

    room = 100 / max(1, len(bars))
    written = _labelled(bars) if labelled else set()
    drawn = [
        DrawnBar(
            source=one,
            x=_percent(room * (place + (1 - _FILLED) / 2)),
            width=_percent(room * _FILLED),
            middle=_percent(room * (place + 0.5)),
            place=_percent(room * place),
            place_width=_percent(room),
            bar=_placed(pixels(one.value)) if one.value else None,
            labelled=place in written,
            anchor="start" if place < 2 else "end" if place > len(bars) - 3 else "middle",
        )
        for place, one in enumerate(bars)
    ]
    lines = [DrawnLine(y=round(ABOVE + HEIGHT - pixels(one.value), 1), lowers=one.lowers) for one in thresholds]
    return Panel(bars=drawn, thresholds=lines, highest=highest, labelled=labelled)


def _placed(height: float) -> tuple[float, float]:
    tall = max(_LOWEST, height)
    return round(ABOVE + HEIGHT - tall, 1), tall


def _labelled(bars: Sequence[Bar]) -> set[int]:
    """The places whose labels are written: the last one's, and others at equal distances from it."""
    step = -(-len(bars) // _LABELS) or 1
    return {place for place in range(len(bars)) if (len(bars) - 1 - place) % step == 0}


def _percent(value: float) -> str:
    return f"{value:.3f}%"
