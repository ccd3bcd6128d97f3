"""Typed access to the fields of a send task's definition.

Every problem is kept, with its file, line and field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from ses_ops.domain.clock import WHOLE_OF_TIME, YEARS, iso_8601, read_moment, to_wall_clock
from ses_ops.errors import InvalidInput

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)

_SPAN = re.compile(r"([0-9]+)\s*(s|m|min|h|d)")
_SPAN_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
#: Number of digits of a span that are read: the longest span of time has ten digits of seconds.
_MOST_DIGITS = 10
#: PostgreSQL stores no NUL, and UTF-8 has no half of a surrogate pair.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class TaskFields:
    """The entry of one send task; `lines` has the line of each field when the entry comes from a file."""

    def __init__(self, entry: Mapping[str, object], where: str, lines: Mapping[str, int]) -> None:
        self.entry = entry
        self.where = where
        self.lines = lines
        self.problems: list[InvalidInput] = []

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What `read` returns; None when that raises a problem, which is kept."""
        try:
            return read()
        except InvalidInput as problem:
            self.problems.append(problem)
            return None

    def problem(self, field: str, code: str, /, **facts: object) -> InvalidInput:
        """Make the error of a field, with the line of the field if that is known."""
        place: dict[str, Any] = {"where": self.where, "field": field, "in_line": self.lines.get(field)}
        return InvalidInput(code, **{**facts, **place})

    def has(self, field: str) -> bool:
        """Whether the field is set."""
        return self.entry.get(field) is not None

    def optional_text(self, field: str) -> str | None:
        """A text, stripped of white space; None when the field is not set."""
        value = self.entry.get(field)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.problem(field, "not_a_text", value=value)
        if _NOT_STORABLE.search(value):
            raise self.problem(field, "control_character")
        return value.strip()

    def text(self, field: str) -> str:
        """A text, stripped of white space; a problem when the field is not set."""
        value = self.optional_text(field)
        if value is None:
            raise self.problem(field, "field_missing")
        return value

    def names(self, field: str, *, most: int, longest: int) -> tuple[str, ...]:
        """Names separated by commas: each once, sorted, at most `most` of at most `longest` characters."""
        given = self.optional_text(field) or ""
        found = {one.strip() for one in given.split(",")} - {""}
        if len(found) > most:
            raise self.problem(field, "too_many_names", count=len(found), most=most)
        for name in sorted(found):
            if len(name) > longest:
                raise self.problem(field, "name_too_long", name=name, most=longest)
            if any(ord(character) < 32 or ord(character) == 127 for character in name):
                raise self.problem(field, "control_character")
        return tuple(sorted(found))

    def choice(
        self,
        field: str,
        choices: type[Choice],
        *,
        default: Choice | None = None,
        excluded: tuple[Choice, ...] = (),
    ) -> Choice:
        """One of the words of an enum."""
        value = self.entry.get(field)
        if value is None and default is not None:
            return default
        allowed = [choice for choice in choices if choice not in excluded]
        if value not in [choice.value for choice in allowed]:
            known = [choice.value for choice in allowed]
            if value is None:
                raise self.problem(field, "choice_missing", choices=known)
            raise self.problem(field, "choice_not_known", choices=known, value=value)
        return choices(value)

    def moment(self, field: str, tz: ZoneInfo, *, repeats: bool = False, whole_day: bool = False) -> datetime | None:
        """A moment in UTC, None when the field is not set; for `whole_day` see `read_moment`.

        The time must exist on the clock of `tz`; with `repeats` the error says what that means for a daily task.
        """
        value = self.entry.get(field)
        if value is None:
            return None
        text = value.isoformat() if isinstance(value, date) else value
        moment = None
        if isinstance(text, str):
            moment = self.checked(field, lambda: read_moment(text, tz, whole_day=whole_day))
        if not isinstance(text, str) or moment is None:
            raise self.problem(field, "not_a_time", value=value)
        written = datetime.fromisoformat(iso_8601(text))
        is_day = whole_day and _is_day(iso_8601(text))
        shown = to_wall_clock(moment, tz)
        if written.tzinfo is not None or is_day or shown == written:
            return moment
        code = "time_skipped_every_day" if repeats else "time_skipped"
        skipped = {"moment": f"{written:%Y-%m-%d %H:%M}", "zone": tz.key, "other": f"{shown:%H:%M}"}
        raise self.problem(field, code, **skipped)

    def span(self, field: str, default: timedelta) -> timedelta:
        """A duration, such as 30m."""
        value = self.entry.get(field)
        if value is None:
            return default
        found = _SPAN.fullmatch(str(value).strip())
        if not found:
            raise self.problem(field, "not_a_span", value=value)
        seconds = int(found[1][: _MOST_DIGITS + 1]) * _SPAN_SECONDS[found[2]]
        if seconds > WHOLE_OF_TIME.total_seconds():
            raise self.problem(field, "span_too_long", value=value, first=YEARS[0], last=YEARS[-1])
        return timedelta(seconds=seconds)

    def checked(self, field: str, check: Callable[[], T]) -> T:
        """What `check` returns; what it raises becomes the error of the field."""
        try:
            return check()
        except InvalidInput as cause:
            raise self.problem(field, cause.code, **cause.facts) from cause


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
