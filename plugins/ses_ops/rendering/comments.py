"""Comments that nobody meant: `{#` in minified CSS or JavaScript swallows all up to the next `#}`.

Refused is a `{#` that takes in another one or the end of its `<style>` or `<script>`, or that reads like a rule of a
style sheet (`@media print{#menu{...`). What may be meant (`{# <td> #}`, half of an element) is a warning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError

from ses_ops.errors import Explanation

_SHEET = re.compile(r"<(/?)(style|script)\b", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)\b[^<>]*?(/?)>", re.IGNORECASE)
#: Elements without an end.
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
#: A name of CSS or JavaScript directly behind `{#`, `{#-`; people write a space there, or a line of `=`.
_is_name = re.compile(r"-?(?:[A-Za-z_\\]|[^\x00-\x7f])").match
#: A selector, then `{`, which begins nothing of Jinja2.
_is_rule = re.compile(r"[^{}<;]*\{(?![{%#])").match


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """A comment that swallows the beginning or the end of an element, and may be meant."""

    file: str
    line: int
    last_line: int


def check_comments(environment: Environment, source: str, *, name: str, filename: str | None = None) -> list[Comment]:
    """Raise TemplateSyntaxError, with the line, for a comment that cannot be meant; return those that may not be.

    What does not parse is left to who parses it.
    """
    doubtful = []
    for line, begin, text, element in _comments(environment, source, name):
        last = line + text.count("\n")
        if "{#" in text or _leaves(text, element) or _is_code(begin, text, element):
            raise TemplateSyntaxError(
                Explanation("comment_swallows_text", line=last).sentence,
                line,
                name,
                filename,
            )
        if not _is_balanced(text):
            doubtful.append(Comment(file=name, line=line, last_line=last))
    return doubtful


def _comments(environment: Environment, source: str, name: str) -> Iterator[tuple[int, str, str, str | None]]:
    """Line, beginning (`{#`, `{#-`) and text of each comment, and whether it stands in a `style` or a `script`."""
    if "{#" not in source:
        return
    of_file = {"css": "style", "js": "script"}.get(name.rpartition(".")[2].lower())
    element, line, begin = of_file, 1, ""
    try:
        for number, kind, text in environment.lex(source):
            if kind == "comment_begin":
                line, begin = number, text
            elif kind == "comment":
                yield line, begin, text, element
            elif kind == "data":
                element = _element_behind(text, element)
    except TemplateSyntaxError:
        return


def _element_behind(text: str, element: str | None) -> str | None:
    """Inside of which of the two a text ends that begins inside of `element`."""
    for end, name in _SHEET.findall(text):
        if end and name.lower() == element:
            element = None
        elif not end and element is None:
            element = name.lower()
    return element


def _leaves(text: str, element: str | None) -> bool:
    """Whether a style sheet or a script begins or ends in a comment only."""
    return _element_behind(text, element) != element or (
        element is None and sum(-1 if end else 1 for end, _ in _SHEET.findall(text)) != 0
    )


def _is_code(begin: str, text: str, element: str | None) -> bool:
    """Whether `{#` is of CSS or JavaScript."""
    if not _is_name(begin[2:].replace("+", "") + text):
        return False
    return bool(_is_rule(text)) or (element is not None and any(sign in text for sign in "{};"))


def _is_balanced(text: str) -> bool:
    """Whether each element that begins in a comment ends in it, and the other way round."""
    opened: Counter[str] = Counter()
    for end, name, closed in _TAG.findall(text):
        if name.lower() not in _VOID and not closed:
            opened[name.lower()] += -1 if end else 1
    return not any(opened.values())
