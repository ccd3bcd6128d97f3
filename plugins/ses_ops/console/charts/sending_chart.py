"""Messages over time as plain SVG: columns of what left, bands where nothing did. No library, no inline style.

Positions along the width are percentages and heights are pixels, so that the picture fits any width. The times below
it are HTML, which ses.js writes in the viewer's zone; what it shows stands in a table beside it too.
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

#: Pixels.
HEIGHT = 160
#: Columns, at most.
_MOST = 60
#: Seconds that a column can stand for.
_WIDTHS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400 * days for days in (1, 2, 7, 14, 30, 90, 180, 365)),
)
#: Shorter ones are how sending goes: a new run, a chunk that waits for a worker.
SHORTEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """What left from `start` to `end`. `x` and `width` are percentages; the others are pixels from the top, height."""

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
    """A time in which nothing left, in its place. `lasts`: it is not over."""

    start: datetime
    end: datetime
    kind: GapKind
    x: str
    width: str
    lasts: bool

    @property
    def length(self) -> timedelta:
        """How long it is, until now if it lasts."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Everything that the template draws, and the table says."""

    begin: datetime
    end: datetime
    #: How long a column is, and the most messages in one.
    step: timedelta
    highest: int
    #: Only those in which something left.
    columns: Sequence[Column]
    pauses: Sequence[Pause]
    height: int = HEIGHT

    @property
    def gap_kinds(self) -> list[GapKind]:
        """Those that the legend has to name."""
        return [kind for kind in GapKind if any(one.kind is kind for one in self.pauses)]

    @property
    def middle(self) -> datetime:
        """The moment in the middle of the picture."""
        return self.begin + (self.end - self.begin) / 2

    @property
    def sent(self) -> int:
        """Messages in the picture."""
        return sum(one.sent for one in self.columns)

    @property
    def failed(self) -> int:
        """Failed messages in the picture."""
        return sum(one.failed for one in self.columns)

    @property
    def rows(self) -> list[Column | Pause]:
        """Columns and pauses in the order of time, for the table."""
        return sorted((*self.columns, *self.pauses), key=lambda one: one.start)


def draw(
    bursts: Sequence[Burst],
    *,
    now: datetime,
    waits: bool,
    due_at: datetime | None = None,
    pauses: Sequence[PersonsPause] = (),
) -> Chart | None:
    """The chart of what left when; None when nothing ever did.

    `waits`: there is mail to be sent, so now is in it; `due_at`: when that goes on by itself; `pauses`: of persons.
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
    return Chart(
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
    """The shortest width with which it all has room, one column kept for an odd beginning."""
    return next((width for width in _WIDTHS if seconds <= width * (_MOST - 1)), _WIDTHS[-1])


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = step.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def _spread(bursts: Iterable[Burst], begin: datetime, step: timedelta, places: int) -> list[tuple[int, int]]:
    """What left in each place: a burst's messages evenly over its time, in whole numbers that add up to all of them."""
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


def _column(start: datetime, step: timedelta, place: int, places: int, sent: int, failed: int, highest: int) -> Column:
    room = 1 / places
    tall = round(HEIGHT * sent / highest, 1)
    # What is there is seen.
    tall_failed = max(2.0, round(HEIGHT * failed / highest, 1)) if failed else 0.0
    top = max(0.0, HEIGHT - tall - tall_failed)
    return Column(
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
