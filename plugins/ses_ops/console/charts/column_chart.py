"""A column chart as plain SVG, readable at any width.

Positions along the width are percentages and heights are pixels, without a viewBox, so that labels keep their size when
the chart is narrow. The page has the same numbers in a table, so that the picture is never the only way to read them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal

if TYPE_CHECKING:
    from ses_ops.console.language import Language

#: Pixels of height: of the columns, and of the labels below and above them.
HEIGHT, BELOW, ABOVE = 180, 24, 18
#: Share of its place that a column fills.
_FILLED = 0.78
#: Largest number of labels below the columns: as many as fit on a phone.
_LABELS = 4
#: Pixels of the lowest column, so that every number above zero is seen.
_LOWEST = 2.0


@dataclass(frozen=True, kw_only=True)
class Column:
    """The numbers and texts of one column."""

    #: The label below the column, written when there is room.
    label: str
    #: The numbers in words, shown when the column is hovered.
    title: str
    front: int
    #: The part on top of the column, in the colour of failures.
    top: int = 0
    #: A lighter column behind, for the number that was possible.
    back: int | None = None
    #: Whether the column is today's.
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A placed column: `x`, `width` and `middle` are percentages, the other positions are pixels from the top."""

    column: Column
    x: str
    width: str
    middle: str
    #: The whole place of the column, which can be hovered.
    place: str
    place_width: str
    front: tuple[float, float] | None
    top: tuple[float, float] | None
    back: tuple[float, float] | None
    labelled: bool
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line across the chart at one value."""

    y: float
    #: The value in a short form, such as 2.5K.
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The chart as the template draws it."""

    columns: Sequence[Drawn]
    lines: Sequence[Line]
    #: Whether small values are drawn larger than their share, by the square root.
    root: bool
    height: int = HEIGHT + BELOW + ABOVE
    base: int = HEIGHT + ABOVE
    top: int = ABOVE
    words_at: int = HEIGHT + ABOVE + 17


def draw(words: Language, columns: Sequence[Column], *, root: bool = False) -> Chart:
    """Place the columns side by side. `root`: a scale on which a 2 000th of the largest value can still be seen."""
    highest = _round_up(max((max(one.front, one.back or 0) for one in columns), default=0), root=root)

    def bar(value: int | None, below: int = 0) -> tuple[float, float] | None:
        if not value:
            return None
        begin, end = (math.sqrt(one / highest) if root else one / highest for one in (below, below + value))
        tall = max(_LOWEST, round((end - begin) * HEIGHT, 1))
        return round(ABOVE + HEIGHT * (1 - begin) - tall, 1), tall

    room = 100 / max(1, len(columns))
    labelled = _labelled(columns)
    drawn = [
        Drawn(
            column=one,
            x=_percent(room * (place + (1 - _FILLED) / 2)),
            width=_percent(room * _FILLED),
            middle=_percent(room * (place + 0.5)),
            place=_percent(room * place),
            place_width=_percent(room),
            front=bar(one.front),
            top=bar(one.top, below=one.front),
            back=bar(one.back),
            labelled=place in labelled,
            anchor="start" if place < 2 else "end" if place > len(columns) - 3 else "middle",
        )
        for place, one in enumerate(columns)
    ]
    shares = (0.25, 0.5, 0.75, 1.0)
    lines = [
        Line(y=ABOVE + HEIGHT * (1 - share), label=_short(words, highest * (share**2 if root else share)))
        for share in shares
    ]
    return Chart(columns=drawn, lines=lines, root=root)


def _round_up(value: int, *, root: bool) -> int:
    """The next value whose lines (quarters, or sixteenths on the root scale) have short labels."""
    unit = 16 if root else 4
    if value <= unit:
        return unit
    ten = 10 ** math.floor(math.log10(value / unit))
    steps = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8, 10)
    # There is no half message, so the lines of small values must be whole numbers.
    fitting = (unit * int(ten * step) for step in steps if ten * step == int(ten * step))
    return next(whole for whole in fitting if whole >= value)


def day_label(words: Language, day: date) -> str:
    """A day such as 24 Nov, in the form of the language."""
    return str(format_skeleton("MMMd", day, locale=words.code))


def _short(words: Language, value: float) -> str:
    return str(format_compact_decimal(round(value), locale=words.code, fraction_digits=1))


def _labelled(columns: Sequence[Column]) -> set[int]:
    """The places whose labels are written: today's, and others at equal distances from today's."""
    if not columns:
        return set()
    step = -(-len(columns) // _LABELS)
    today = next((place for place, one in enumerate(columns) if one.marked), len(columns) - 1)
    return {place for place in range(len(columns)) if (place - today) % step == 0}


def _percent(value: float) -> str:
    return f"{value:.3f}%"
