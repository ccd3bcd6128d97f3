"""A figure of a measure, with a peer's figure and a bar if there are any."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Whether a figure reaches its bar."""

    REACHED = "reached"
    MISSED = "MISSED"
    #: The run was smaller than the bar is meant for.
    NOT_JUDGED = "not judged"
    #: The figure has no bar.
    SHOWN = ""
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A limit for a figure, or for its ratio to the peer's figure."""

    limit: float
    at_least: bool = False
    of_ratio: bool = False

    def __str__(self) -> str:
        words = "at least" if self.at_least else "at most"
        return f"{words} {self.limit:,.4g}{' x' if self.of_ratio else ''}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `ratio` is always the value divided by the peer's value."""

    what: str
    value: float | None = None
    unit: str = ""
    peer: str = ""
    peer_value: float | None = None
    bar: Bar | None = None
    #: False for a quick run, which has other sizes than the bar is meant for.
    full_size: bool = True
    note: str = ""
    #: Why there is no value: the error of a failed measure, or the reason of a skipped one.
    failed: str = ""
    skipped: str = ""
    #: More data for the plot and for readers of results.json.
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        if self.value is None or not self.peer_value:
            return None
        return self.value / self.peer_value

    @property
    def verdict(self) -> Verdict:
        if self.failed:
            return Verdict.FAILED
        if self.skipped or self.value is None:
            return Verdict.SKIPPED
        if self.bar is None:
            return Verdict.SHOWN
        judged = self.ratio if self.bar.of_ratio else self.value
        if judged is None:
            return Verdict.SKIPPED
        if not self.full_size:
            return Verdict.NOT_JUDGED
        reached = judged >= self.bar.limit if self.bar.at_least else judged <= self.bar.limit
        return Verdict.REACHED if reached else Verdict.MISSED

    def as_json(self) -> dict[str, Any]:
        """The figure with its ratio and verdict."""
        return {
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "peer": self.peer or None,
            "peer_value": self.peer_value,
            "ratio": self.ratio,
            "bar": str(self.bar) if self.bar else None,
            "verdict": self.verdict.value or None,
            "note": self.failed or self.skipped or self.note,
            **({"data": self.data} if self.data else {}),
        }
