"""Forms of values there: times, dates, base64 texts, JSON objects in a text."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.domain.clock import from_wall_clock, to_wall_clock

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
#: Years that dates are read of.
_YEARS = range(1970, 2200)
#: What a value in `TemplateData` may be, and most levels of lists and objects in it.
_MOST_LEVELS = 16
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as a text: `2021-09-10 11:10:11`, by the clock of the reference's zone."""
    return f"{to_wall_clock(moment, zone):%Y-%m-%d %H:%M:%S}"


def read_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """The moment of `2021-09-10 11:10:11`, or of an ISO 8601 text with an offset; None for anything else."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if found.year not in _YEARS or _DATE.fullmatch(text.strip()):
        return None
    return from_wall_clock(found, zone) if found.tzinfo is None else found


def read_date(text: str, code: str = "InvalidParameterValue.WrongDate", name: str = "") -> date:
    """The date of `2021-09-10`. Raises ActionError."""
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        raise ActionError(code, f"The value of parameter `{name}` is not a date such as 2021-09-10.")
    return found


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day begins."""
    return from_wall_clock(datetime.combine(day, time()), zone)


def day_ends(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day ends and the next begins."""
    return day_begins(day + timedelta(days=1), zone)


def encoded(text: str | None) -> str:
    """A text in base64, as contents of templates are; None: the empty one."""
    return base64.b64encode((text or "").encode()).decode("ascii")


def decoded(text: str, *, code: str, name: str) -> str:
    """The text of a base64 text in UTF-8. Raises ActionError."""
    try:
        found = base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as cause:
        raise ActionError(code, f"The value of parameter `{name}` is not base64 of a text in UTF-8.") from cause
    if _NOT_STORABLE.search(found):
        raise ActionError(code, f"The value of parameter `{name}` has a character that no text has.")
    return found


def template_data(text: str, *, code: str, name: str) -> dict[str, Any]:
    """The object that stands in a text, such as `{"code":"1234"}`; an empty text is `{}`. Raises ActionError."""
    try:
        found = json.loads(text or "{}", object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as cause:
        raise ActionError(code, f"The value of parameter `{name}` is not a JSON object.") from cause
    if not isinstance(found, dict) or not _is_plain(found, _MOST_LEVELS):
        raise ActionError(code, f"The value of parameter `{name}` is not a JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a repeated name")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _is_plain(value: Any, levels: int) -> bool:
    if isinstance(value, str):
        return not _NOT_STORABLE.search(value)
    if isinstance(value, dict):
        return levels > 0 and all(_is_plain(name, 0) and _is_plain(one, levels - 1) for name, one in value.items())
    return not isinstance(value, list) or (levels > 0 and all(_is_plain(one, levels - 1) for one in value))
