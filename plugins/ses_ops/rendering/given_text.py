"""Texts that programs give: whether they are templates, and how they become ones."""

from __future__ import annotations

import re

#: What the texts of a message are called in errors, in the place of a template's name.
OF_MESSAGE = "message"
#: What begins something of Jinja2.
has_code = re.compile(r"\{[{%#]").search
_BEGIN = re.compile(r"\{(?=[{%#])")


def escaped_source(text: str) -> str:
    """The source of a template that gives this text."""
    return _BEGIN.sub("{{ '{' }}", text)


def with_line_feeds(text: str) -> str:
    """A text with `\\n` for each of its line breaks."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
