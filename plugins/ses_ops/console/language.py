"""The languages of the console, by the browser's Accept-Language: English and Japanese.

Texts come from gettext catalogs, numbers and dates from CLDR. The texts of a page are in
`locale/ja/LC_MESSAGES/<page>.po`, those of several pages in `common.po`; all files of a language become one catalog at
its first use. English needs none, because the message ids are the English texts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog
    from starlette.requests import Request

LANGUAGES = ("en", "ja")
DEFAULT = "en"
_CATALOGS = Path(__file__).with_name("locale")
#: Characters of the longest Accept-Language header that is read; no browser sends a longer one.
_HEADER_LIMIT = 1000


def N_(text: str) -> str:
    """Mark a text that `Language.gettext` translates later. (The name is a convention of gettext's tools.)"""
    return text


@dataclass(frozen=True, kw_only=True)
class Language:
    """The texts, numbers and dates of one language."""

    code: str
    translations: NullTranslations

    def gettext(self, text: str, /, **values: object) -> str:
        """The text in this language; `%(name)s` in it is replaced by values."""
        # gettext's translation of an empty text is the header of the catalog.
        found = self.translations.gettext(text) if text else text
        return found % values if values else found

    def ngettext(self, singular: str, plural: str, count: int, **values: object) -> str:
        """The text for a number of things; `%(num)s` is the number, grouped."""
        found = self.translations.ngettext(singular, plural, count)
        return found % {"num": self.number(count), **values}

    def number(self, value: float) -> str:
        """A number such as 12,345 or 0.5."""
        return str(format_decimal(value, locale=self.code))

    def percent(self, share: float) -> str:
        """A share of 1 as a percentage such as 45%, rounded down: never 100% before the share is 1."""
        # 29 / 100 is slightly less than 0.29 in binary.
        return str(format_percent(math.floor(share * 100 + 1e-9) / 100, locale=self.code))

    def rate(self, share: float) -> str:
        """A rate such as 0.25%, rounded to hundredths of a percent; one that is not 0 is never shown as 0."""
        if 0 < share < 0.0001:
            return f"< {self.rate(0.0001)}"
        return str(format_percent(round(share, 4), format="#,##0.##%", locale=self.code))

    def utc(self, moment: datetime) -> str:
        """A moment in UTC, to the minute."""
        text = format_datetime(moment.astimezone(UTC), "medium", tzinfo=UTC, locale=self.code)
        return f"{text} UTC"

    def date(self, moment: datetime) -> str:
        """A day, in UTC."""
        return str(format_date(moment.astimezone(UTC).date(), "medium", locale=self.code))


@cache
def language(code: str) -> Language:
    """One of LANGUAGES by its code."""
    return Language(code=code, translations=_translations(code))


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


def _translations(code: str) -> NullTranslations:
    """Those of all files of a language. English has no file: its translations are the message ids."""
    found: Translations | None = None
    for file in catalog_files(code):
        compiled = BytesIO()
        write_mo(compiled, read_catalog(file, code))
        compiled.seek(0)
        more = Translations(compiled)
        # The rule of plurals is that of the first file.
        found = found.merge(more) if found else more
    return found or NullTranslations()
