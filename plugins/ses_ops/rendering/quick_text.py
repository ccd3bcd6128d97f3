"""The text of very long HTML, made in time that grows with its length alone.

`text_from_html` lays a page out, 12 us a tag. A page of some megabytes is no letter, and nobody reads its text part,
but the process that makes it answers others meanwhile.
"""

from __future__ import annotations

import re
from html import unescape

_BREAKS = re.compile(r"<(?:br|li|hr|/p|/div|/tr|/table|/ul|/ol|/h[1-6]|/title)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-z/!?][^<>]*>", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
#: What shows nothing: its beginning and its end.
_HIDDEN = [
    *(
        (re.compile(rf"<{name}\b", re.IGNORECASE), re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE))
        for name in ("style", "script", "head")
    ),
    (re.compile("<!--"), re.compile("-->")),
]


def quick_text(html: str) -> str:
    """The text that stands between the tags, a line for a block."""
    for begin, end in _HIDDEN:
        html = _without(html, begin, end)
    text = _TAG.sub("", _BREAKS.sub("\n", _SPACES.sub(" ", html.replace("\n", " "))))
    lines = (line.strip() for line in unescape(text).replace("\u00a0", " ").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"


def _without(text: str, begin: re.Pattern[str], end: re.Pattern[str]) -> str:
    """The text without its pieces between a beginning and an end; one that never ends stays."""
    pieces = []
    at = 0
    while (opened := begin.search(text, at)) and (closed := end.search(text, opened.end())):
        pieces.append(text[at : opened.start()])
        at = closed.end()
    pieces.append(text[at:])
    return "".join(pieces)
