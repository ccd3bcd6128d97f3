"""The languages of the console, by the browser's Accept-Language: English and Japanese.

Texts come from gettext catalogs, numbers and dates from CLDR. The texts of a page are in
`locale/ja/LC_MESSAGES/<page>.po`, those of several pages in `common.po`; all files of a language become one catalog at
its first use. English needs none, because the message ids are the English texts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog
    from starlette.requests import Request

LANGUAGES = ("en", "ja")
DEFAULT = "en"
_CATALOGS = Path(__file__).with_name("locale")
#: Characters of the longest Accept-Language header that is read; no browser sends a longer one.
_HEADER_LIMIT = 1000
#: Units of durations, in seconds.
_UNITS = (("hour", 3600), ("minute", 60), ("second", 1))


def N_(text: str) -> str:
    """Mark a text that `Language.gettext` translates later. (The name is a convention of gettext's tools.)"""
    return text


@dataclass(frozen=True, kw_only=True)
class Language:
    """The texts, numbers and dates of one language."""

    code: str
    #: Translations by message id, or by the pair (singular, plural).
    messages: dict[str, str | tuple[str, ...]]

    def gettext(self, text: str, /, **values: object) -> str:
        """The text in this language; `%(name)s` in it is replaced by values."""
        found = self.messages.get(text) or text
        chosen = found if isinstance(found, str) else found[0]
        return chosen % values if values else chosen

    def ngettext(self, singular: str, plural: str, count: int, **values: object) -> str:
        """The text for a number of things; `%(num)s` is the number, grouped."""
        found = self.messages.get(singular)
        english = singular if count == 1 else plural
        # Japanese, the only language besides English, has one form for every number.
        chosen = english if not found else found if isinstance(found, str) else found[0]
        return chosen % {"num": self.number(count), **values}

    def number(self, value: float) -> str:
        """A number such as 12,345 or 0.5."""
        return str(format_decimal(value, locale=self.code))

    def percent(self, share: float) -> str:
        """A share of 1 as a percentage such as 45%, rounded down: never 100% before the share is 1."""
        # 29 / 100 is slightly less than 0.29 in binary.
        return str(format_percent(math.floor(share * 100 + 1e-9) / 100, locale=self.code))

    def utc(self, moment: datetime) -> str:
        """A moment in UTC, to the minute."""
        text = format_datetime(moment.astimezone(UTC), "medium", tzinfo=UTC, locale=self.code)
        return f"{text} UTC"

    def duration(self, span: timedelta) -> str:
        """A duration in the largest unit of which it is a whole number: 90 seconds, 2 minutes."""
        seconds = span.total_seconds()
        unit, length = next(one for one in _UNITS if seconds % one[1] == 0 or one[1] == 1)
        # For Japanese Babel has only short names of durations, which are whole words in that language.
        form: Literal["short", "long"] = "short" if self.code == "ja" else "long"
        return str(format_unit(seconds / length, f"duration-{unit}", length=form, locale=self.code))

    def date(self, moment: datetime) -> str:
        """A day, in UTC."""
        return str(format_date(moment.astimezone(UTC).date(), "medium", locale=self.code))


@cache
def language(code: str) -> Language:
    """One of LANGUAGES by its code."""
    return Language(code=code, messages=_messages(code))


def language_of(request: Request) -> Language:
    """The language that the browser asks for; English if it accepts neither."""
    return language(negotiate(request.headers.get("accept-language", "")))


def negotiate(header: str) -> str:
    """The first of LANGUAGES in an Accept-Language header, by weight (RFC 9110, section 12.5.4)."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:_HEADER_LIMIT].split(",")):
        tag, _, parameter = part.strip().partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            quality = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        wanted.append((-quality, place, tag.strip().lower().partition("-")[0]))
    return next((tag for quality, _, tag in sorted(wanted) if tag in LANGUAGES and quality < 0), DEFAULT)


def catalog_files(code: str) -> list[Path]:
    """The .po files of a language: common.po, and one a page."""
    return sorted((_CATALOGS / code / "LC_MESSAGES").glob("*.po"))


def read_catalog(file: Path, code: str) -> Catalog:
    """The catalog of a .po file, read by Babel."""
    with file.open("rb") as lines:
        return read_po(lines, locale=Locale.parse(code))


def _messages(code: str) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for file in catalog_files(code):
        for message in read_catalog(file, code):
            if message.id and message.string and not message.fuzzy:
                key = message.id if isinstance(message.id, str) else message.id[0]
                found[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return found
