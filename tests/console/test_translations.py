"""Every text of the console exists in Japanese, and no text of a page forgets to ask for its translation."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

import ses_ops.console
from ses_ops.console.language import catalog_files, language, negotiate, read_catalog
from ses_ops.console.recognised_texts import FILES

CONSOLE = Path(ses_ops.console.__file__).parent
METHODS = [("**.py", "python"), ("html/**.html", "jinja2.ext:babel_extract")]
TEMPLATES = sorted((CONSOLE / "html").glob("*.html"))
ATTRIBUTES = re.compile(r'([\w-]+="[^"]*"\s*)+')
PLACEHOLDER = re.compile(r"%\((\w+)\)")

Message = str | tuple[str, ...]


@cache
def used() -> dict[Message, str]:
    """Every message id of the code and the templates, and a place where it stands."""
    found: dict[Message, str] = {}
    options = {"html/**.html": {"silent": "false", "trimmed": "true", "encoding": "utf-8"}}
    for file, line, message, _, _ in extract_from_dir(CONSOLE, METHODS, options, keywords=DEFAULT_KEYWORDS):
        found.setdefault(message, f"{file}:{line}")
    return found


@cache
def translated() -> dict[Message, tuple[str, object, bool]]:
    """Every message id of the catalogs: its file, its translation, whether that is fuzzy."""
    return {
        (message.id if isinstance(message.id, str) else tuple(message.id)): (file.name, message.string, message.fuzzy)
        for file in catalog_files("ja")
        for message in read_catalog(file, "ja")
        if message.id
    }


def test_every_text_is_in_japanese():
    known = translated()
    missing = {
        message: place
        for message, place in used().items()
        if message not in known or not all(_texts(known[message][1])) or known[message][2]
    }
    assert not missing, "\n".join(f'{place}\nmsgid "{message}"' for message, place in missing.items())


def test_no_catalog_has_a_text_that_nobody_uses():
    # Sentences are those of errors and reasons below the console: test_sentences.py.
    page_files = {message: file for message, (file, _, _) in translated().items() if not file.startswith(FILES)}
    assert not {message: file for message, file in page_files.items() if message not in used()}


def test_no_text_is_translated_twice():
    ids = Counter(
        message.id if isinstance(message.id, str) else message.id[0]
        for file in catalog_files("ja")
        for message in read_catalog(file, "ja")
        if message.id
    )
    assert [one for one, count in ids.items() if count > 1] == []


def test_a_translation_has_the_placeholders_of_its_text():
    for message, (file, string, _) in translated().items():
        wanted = {name for text in _texts(message) for name in PLACEHOLDER.findall(text)}
        for text in _texts(string):
            assert set(PLACEHOLDER.findall(text)) == wanted, (file, message)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_visible_text_asks_for_its_translation(template):
    source = template.read_text()
    plain = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    # What Jinja puts in is a text that was asked for, a number, or data.
    plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", plain, flags=re.DOTALL)
    finder = _VisibleText()
    finder.feed(plain)
    assert not finder.found, f"{template.name}: not in _(...): {finder.found}"


class _VisibleText(HTMLParser):
    """Words between tags and in attributes that a person reads or hears."""

    HEARD = ("aria-label", "title", "placeholder", "alt", "data-confirm", "data-consequence", "data-action")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in self.HEARD and value and _is_words(value)]

    def handle_data(self, data: str) -> None:
        # A macro may hold nothing but attributes.
        if _is_words(data) and not ATTRIBUTES.fullmatch(data.strip()):
            self.found.append(data.strip())


def _is_words(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _texts(message: object) -> list[str]:
    return [message] if isinstance(message, str) else [str(one) for one in message]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("fr,ja;q=0.4,en;q=0.3", "ja"),
        ("ja;q=0,en;q=0.1", "en"),
        ("de", "en"),
        ("*", "en"),
        ("ja;q=x", "en"),
        (",;=;,", "en"),
    ],
)
def test_the_browser_chooses_the_language(header, code):
    assert negotiate(header) == code


def test_numbers_and_shares_are_written_as_the_language_writes_them():
    assert language("en").number(1234567) == "1,234,567"
    assert language("ja").ngettext("%(num)s x", "%(num)s x", 1000) == "1,000 x"
    assert language("en").percent(0.9999) == "99%", "nothing is at 100 % before it is"
    assert language("en").percent(1.0) == "100%"
