"""What a person who reads Japanese meets on a page in another language."""

from __future__ import annotations

import re
from html.parser import HTMLParser

JAPANESE = {"Accept-Language": "ja"}
#: Three English words one after the other are a sentence, or near enough to one.
_SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z']*\b[ ,;]+){2,}[A-Za-z]")
_HEARD = ("aria-label", "title", "placeholder", "alt", "data-confirm", "data-consequence", "data-action")
#: Names, code, and what somebody else wrote.
_NOT_OURS = ("bdi", "code", "pre", "script", "style", "textarea", "option")
_VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "circle", "rect", "path", "line", "use"})


def english_sentences(html: str) -> list[str]:
    """ASCII sentences that are not marked as English, names or code."""
    parser = _Reader()
    parser.feed(html)
    return [text for text in parser.texts if text.isascii() and _SENTENCE.search(text)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in _HEARD and value]
        if tag not in _VOID:
            self._open.append((tag, tag in _NOT_OURS or dict(attrs).get("lang") == "en"))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not any(foreign for _, foreign in self._open):
            self.texts.append(text)
