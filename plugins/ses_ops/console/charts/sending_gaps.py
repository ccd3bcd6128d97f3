"""Gaps in which no message of a send task was sent, with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from ses_ops.console.language import N_
from ses_ops.domain.occurrence import resume_time

if TYPE_CHECKING:
    from ses_ops.storage.ledger.progress import Burst, PersonsPause


class GapKind(StrEnum):
    """The reason why no message was sent."""

    #: The mail waited as planned: for quota, for a retry, for its start.
    WAITED = "waited"
    #: A person had paused the task.
    PAUSED = "paused"
    #: Mail was due or was being sent, and no sender ran: a machine, Airflow or the database was down.
    DOWN = "down"


#: The words of a legend and of a table.
WORDS: dict[GapKind, str] = {
    GapKind.WAITED: N_("nothing was sent: it waited"),
    GapKind.PAUSED: N_("nothing was sent: paused by a person"),
    GapKind.DOWN: N_("nothing was sent though it was due: no sender was running"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A time in which nothing left. `lasts`: it is not over."""

    start: datetime
    end: datetime
    kind: GapKind
    lasts: bool = False

    @property
    def length(self) -> timedelta:
        """How long it is, until now if it lasts."""
        return self.end - self.start


def gaps(
    bursts: Sequence[Burst],
    *,
    shortest: timedelta,
    now: datetime | None = None,
    due_at: datetime | None = None,
    pauses: Iterable[PersonsPause] = (),
) -> Iterator[Gap]:
    """Gaps of at least `shortest`, in the order of time.

    `now`: there is mail to be sent, so the last one lasts until then; `due_at` is when that goes on by itself.
    """
    known = sorted(pauses, key=lambda one: one.paused_at)
    for before, following, start, end in _idle(bursts, now):
        if end - start < shortest:
            continue
        due = due_at if following is None else resume_time(following.run_id)
        pieces = _cut(start, end, due, down_from_the_start=before.interrupted, pauses=known)
        whole = _without_short(pieces, shortest)
        yield from (replace(one, lasts=following is None and one.end == end) for one in whole)


def _idle(bursts: Sequence[Burst], now: datetime | None) -> Iterator[tuple[Burst, Burst | None, datetime, datetime]]:
    """Each gap: the burst before, the burst after (None: not yet), and the times between the two."""
    ordered = sorted(bursts, key=lambda one: one.started_at)
    last = ordered[0]
    for burst in ordered:
        if burst.started_at > last.ended_at:
            yield last, burst, last.ended_at, burst.started_at
        if burst.ended_at >= last.ended_at:
            last = burst
    if now is not None and now > last.ended_at:
        yield last, None, last.ended_at, now


def _cut(
    start: datetime, end: datetime, due: datetime | None, *, down_from_the_start: bool, pauses: Sequence[PersonsPause]
) -> list[Gap]:
    """A gap in pieces: the pauses by persons, and the rest before and after the moment at which mail was due."""
    ends_of_pauses = [one.resumed_at or end for one in pauses]
    places = [due] if due is not None else []
    places += [*(one.paused_at for one in pauses), *ends_of_pauses]
    cuts = sorted({start, end, *(place for place in places if start < place < end)})
    found: list[Gap] = []
    for first, last in pairwise(cuts):
        if any(one.paused_at <= first and last <= until for one, until in zip(pauses, ends_of_pauses, strict=True)):
            kind = GapKind.PAUSED
        elif down_from_the_start or (due is not None and first >= due):
            kind = GapKind.DOWN
        else:
            kind = GapKind.WAITED
        found.append(Gap(start=first, end=last, kind=kind))
    return found


def _without_short(pieces: Sequence[Gap], shortest: timedelta) -> list[Gap]:
    """The pieces, with neighbours joined that are of one kind, or of which one is too short to be seen."""
    found: list[Gap] = []
    for piece in pieces:
        joins = found and (piece.kind is found[-1].kind or piece.length < shortest or found[-1].length < shortest)
        if not joins:
            found.append(piece)
            continue
        before = found.pop()
        longer = piece if piece.length > before.length else before
        found.append(Gap(start=before.start, end=piece.end, kind=longer.kind))
    return found
