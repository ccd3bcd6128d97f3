"""The text of a spreadsheet's cell, independent of the country's conventions.

The text is as near as possible to what a person sees in the cell. A day is 2026-11-29, however the sheet shows it;
numbers have a decimal point and no separators of thousands; digits that a format fixes stay (01067 for a postal code,
19.90 for a price).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

#: The literal parts of a number format: quoted or escaped text, colours, currencies, fill characters.
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
#: A format whose digits are always shown, with fixed characters between them: a postal code, a customer's number.
_DIGITS = re.compile(r"0[0 \-/().]*0")
_PLAIN_NUMBER = re.compile(r"[#0,]*0?(?:\.(0+))?(%?)")
#: Number of digits that a double holds reliably; Excel shows no more.
_DIGITS_OF_A_DOUBLE = 15


def cell_text(value: object, number_format: str) -> str:
    """The text of a cell's value; `number_format` is the cell's format in Excel's notation."""
    if value is None:
        return ""
    if isinstance(value, str):
        # Excel writes a carriage return into XML as _x000D_.
        return value.replace("_x000D_", "") if "_x000D_" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return _moment(value, number_format)
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _clock(value)
    if isinstance(value, int | float):
        return _number(value, number_format)
    return str(value)


def _moment(value: datetime, number_format: str) -> str:
    # Excel stores a moment as a fraction of a day, whose last microseconds are noise.
    value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    letters = _LITERAL.sub("", number_format).lower()
    shows_time, shows_day = "h" in letters or "s" in letters, "y" in letters or "d" in letters
    if shows_time and not shows_day:
        return _clock(value.time())
    return f"{value.date().isoformat()} {_clock(value.time())}" if shows_time else value.date().isoformat()


def _clock(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _number(value: float, number_format: str) -> str:
    section = number_format.partition(";")[0]
    if _DIGITS.fullmatch(bare := re.sub(r'["\\]', "", section)) and value >= 0 and value == int(value):
        return _in_pattern(str(int(value)), bare)
    found = _PLAIN_NUMBER.fullmatch(re.sub(r"[^\d#,.%?/eE+]", "", _LITERAL.sub("", section)))
    if found is None or section in ("", "General", "@"):
        return _general(value)
    decimals, percent = len(found[1] or ""), bool(found[2])
    if not percent and "0" not in section:
        return _general(value)
    return f"{Decimal(_general(value)) * (100 if percent else 1):.{decimals}f}{'%' if percent else ''}"


def _in_pattern(digits: str, pattern: str) -> str:
    """The digits in a pattern: `1067` in `00000` is `01067`; excess digits stand before the pattern."""
    places = pattern.count("0")
    digits = digits.zfill(places)
    before, rest = digits[: len(digits) - places], iter(digits[len(digits) - places :])
    return before + "".join(next(rest) if char == "0" else char for char in pattern)


def _general(value: float) -> str:
    """A number without an exponent, rounded to the digits that a double holds reliably."""
    if isinstance(value, int):
        return str(value)
    if not abs(value) < 1e30:  # true also for NaN
        return repr(value)
    text = format(Decimal(f"{value:.{_DIGITS_OF_A_DOUBLE}g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
