"""Durations and speeds in a person's language."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from babel.units import format_unit

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from ses_ops.console.language import Language

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

A_SECOND = N_("%(count)s a second")
A_MINUTE = N_("%(count)s a minute")


def span(words: Language, length: timedelta) -> str:
    """A duration in at most two units: 3 hrs 12 mins. Less than a second counts as a second."""
    seconds = max(1, round(length.total_seconds()))
    parts: list[str] = []
    for unit, size in _UNITS:
        if len(parts) == 1 or seconds >= size:
            count, seconds = divmod(seconds, size)
            if count:
                parts.append(str(format_unit(count, f"duration-{unit}", length="short", locale=words.code)))
            if len(parts) == 2 or not seconds or not count:
                break
    return " ".join(parts)


def rate(words: Language, a_second: float) -> str:
    """A speed in messages a second, minute or hour: the smallest unit with at least one message."""
    if a_second >= 1:
        return words.gettext(A_SECOND, count=words.number(round(a_second, 1) if a_second < 10 else round(a_second)))
    return words.gettext(A_MINUTE, count=words.number(round(a_second * 60, 1)))
