"""The texts of the unsubscribe page in each language, from unsubscribe_page.toml beside this file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage

_TEXTS = Path(__file__).with_name("unsubscribe_page.toml")
_RIGHT_TO_LEFT = frozenset({UnsubscribeLanguage.ARABIC})
#: Languages of `Accept-Language` that do not begin with the code of one of ours (RFC 4647, and Chinese by its script).
_ALSO = {"zh-hant": "zh-TW", "zh-hk": "zh-TW", "zh-mo": "zh-TW", "zh": "zh-CN", "in": "id"}
#: Languages of one header that are looked at.
_MOST_LANGUAGES = 20


@dataclass(frozen=True, kw_only=True)
class PageWords:
    """The texts of one language. `{address}` and `{domain}` stand for what is shown."""

    language: UnsubscribeLanguage
    #: Asks before: with address and domain, or without where the database did not answer.
    ask_title: str
    ask: str
    ask_plainly: str
    ask_button: str
    #: What goes on to come.
    note: str
    done_title: str
    done: str
    done_plainly: str
    #: Beside the button that takes it back.
    undo: str
    undo_button: str
    undone_title: str
    undone: str
    undone_plainly: str
    unknown_title: str
    unknown: str
    later_title: str
    later: str

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as HTML's `dir`."""
        return "rtl" if self.language in _RIGHT_TO_LEFT else "ltr"


@cache
def all_words() -> dict[UnsubscribeLanguage, PageWords]:
    """The texts of each language. Raises TypeError for a text that is missing or too many."""
    given = tomllib.loads(_TEXTS.read_text(encoding="utf-8"))
    texts = {UnsubscribeLanguage(code): of for code, of in given.items()}
    return {language: PageWords(language=language, **of) for language, of in texts.items()}


def text_names() -> list[str]:
    """The names of the texts."""
    return [field.name for field in fields(PageWords) if field.name != "language"]


def words_of(place: int, accepted: str) -> PageWords:
    """The texts of a token's extra byte, a place in LANGUAGES; else of an `Accept-Language`; else English."""
    known = all_words()
    if place < len(LANGUAGES) and (language := LANGUAGES[place]) in known:
        return known[language]
    for language in _preferred(accepted):
        return known[language]
    return known[UnsubscribeLanguage.ENGLISH]


def _preferred(accepted: str) -> list[UnsubscribeLanguage]:
    """Our languages of an `Accept-Language` (RFC 9110 12.5.4), the most wanted first."""
    found = []
    for order, part in enumerate(accepted.split(",")[:_MOST_LANGUAGES]):
        tag, _, parameters = part.partition(";")
        language = _matching(tag.strip().lower())
        if language is not None and (quality := _quality(parameters)) > 0:
            found.append((-quality, order, language))
    return [language for _, _, language in sorted(found)]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0


def _matching(tag: str) -> UnsubscribeLanguage | None:
    codes = {code.lower(): code for code in all_words()}
    while tag:
        if tag in codes:
            return codes[tag]
        if tag in _ALSO:
            return UnsubscribeLanguage(_ALSO[tag])
        tag = tag.rpartition("-")[0]
    return None
