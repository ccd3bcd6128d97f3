"""A chart of messages over time as plain SVG: columns of sent messages, bands of gaps.

Positions along the width are percentages and heights are pixels, so that the picture fits any width. The times below
the picture are HTML, which ses.js writes in the viewer's zone. The page has the same numbers in a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.console.charts.sending_gaps import GapKind, gaps

if TYPE_CHECKING:
    from ses_ops.storage.ledger.progress import Burst, PersonsPause

#: Pixels of height.
HEIGHT = 160
#: Largest number of columns.
_MOST = 60
#: Seconds that a column can stand for.
_WIDTHS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400 * days for days in (1, 2, 7, 14, 30, 90, 180, 365)),
)
#: The shortest gap that is shown: shorter gaps are part of sending (a new run, a chunk that waits for a worker).
SHORTEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SendingColumn:
    """The messages from `start` to `end`. `x`, `width`: percentages; the pairs: pixels from the top, and of height."""

    start: datetime
    end: datetime
    sent: int
    failed: int
    x: str
    width: str
    sent_at: tuple[float, float]
    failed_at: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A placed gap, in which no message left. `lasts`: the gap is not over."""

    start: datetime
    end: datetime
    kind: GapKind
    x: str
    width: str
    lasts: bool

    @property
    def length(self) -> timedelta:
        """The length of the gap, until now if it lasts."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class SendingChart:
    """The chart as the template draws it, and the table lists it."""

    begin: datetime
    end: datetime
    #: The length of time of a column, and the largest number of messages in one.
    step: timedelta
    highest: int
    #: The columns with at least one message.
    columns: Sequence[SendingColumn]
    pauses: Sequence[Pause]
    height: int = HEIGHT

    @property
    def gap_kinds(self) -> list[GapKind]:
        """The kinds of gaps that the legend has to name."""
        return [kind for kind in GapKind if any(one.kind is kind for one in self.pauses)]

    @property
    def middle(self) -> datetime:
        """The moment in the middle of the picture."""
        return self.begin + (self.end - self.begin) / 2

    @property
    def sent(self) -> int:
        """Number of sent messages in the chart."""
        return sum(one.sent for one in self.columns)

    @property
    def failed(self) -> int:
        """Number of failed messages in the chart."""
        return sum(one.failed for one in self.columns)

    @property
    def rows(self) -> list[SendingColumn | Pause]:
        """Columns and pauses in the order of time, for the table."""
        return sorted((*self.columns, *self.pauses), key=lambda one: one.start)


def draw(
    bursts: Sequence[Burst],
    *,
    now: datetime,
    waits: bool,
    due_at: datetime | None = None,
    pauses: Sequence[PersonsPause] = (),
) -> SendingChart | None:
    """The chart of messages over time; None when no message was ever sent.

    `waits`: mail is pending, so the chart extends to `now`; `due_at`: when pending mail is resumed by itself; `pauses`:
    the pauses by persons.
    """
    if not bursts:
        return None
    first = min(one.started_at for one in bursts)
    last = max(one.ended_at for one in bursts)
    last = max(last, now) if waits else last
    step = timedelta(seconds=_width((last - first).total_seconds()))
    begin = _floor(first, step)
    places = max(1, math.ceil((last - begin) / step))
    sums = _spread(bursts, begin, step, places)
    highest = max((sent + failed for sent, failed in sums), default=0)
    whole = places * step
    return SendingChart(
        begin=begin,
        end=begin + whole,
        step=step,
        highest=highest,
        columns=[
            _column(begin + place * step, step, place, places, sent, failed, highest)
            for place, (sent, failed) in enumerate(sums)
            if sent or failed
        ],
        pauses=[
            Pause(
                start=gap.start,
                end=gap.end,
                kind=gap.kind,
                x=_percent((gap.start - begin) / whole),
                width=_percent((gap.end - gap.start) / whole),
                lasts=gap.lasts,
            )
            for gap in gaps(
                bursts, shortest=max(step, SHORTEST_PAUSE), now=now if waits else None, due_at=due_at, pauses=pauses
            )
        ],
    )


def _width(seconds: float) -> int:
    """The shortest width of a column with which the whole time fits, with one column to spare for the beginning."""
    return next((width for width in _WIDTHS if seconds <= width * (_MOST - 1)), _WIDTHS[-1])


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = step.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def _spread(bursts: Iterable[Burst], begin: datetime, step: timedelta, places: int) -> list[tuple[int, int]]:
    """The messages of each column: those of a burst evenly over its time, in whole numbers that add up to all."""
    sent, failed = [0] * places, [0] * places
    for burst in bursts:
        length = burst.ended_at - burst.started_at
        at = min(places - 1, int((burst.started_at - begin) / step))
        before = (0, 0)
        while at < places:
            end = begin + (at + 1) * step
            share = min(1.0, (end - burst.started_at) / length) if length else 1.0
            share = 1.0 if at == places - 1 else share
            until = (round(burst.sent * share), round(burst.failed * share))
            sent[at] += until[0] - before[0]
            failed[at] += until[1] - before[1]
            if share >= 1.0:
                break
            before, at = until, at + 1
    return list(zip(sent, failed, strict=True))


def _column(
    start: datetime, step: timedelta, place: int, places: int, sent: int, failed: int, highest: int
) -> SendingColumn:
    room = 1 / places
    tall = round(HEIGHT * sent / highest, 1)
    # Every failure is seen.
    tall_failed = max(2.0, round(HEIGHT * failed / highest, 1)) if failed else 0.0
    top = max(0.0, HEIGHT - tall - tall_failed)
    return SendingColumn(
        start=start,
        end=start + step,
        sent=sent,
        failed=failed,
        x=_percent(room * (place + 0.08)),
        width=_percent(room * 0.84),
        sent_at=(round(HEIGHT - tall, 1), tall),
        failed_at=(round(top, 1), tall_failed),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3f}%"
