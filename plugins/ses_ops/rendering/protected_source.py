"""The source of a template with one character for each tag of Jinja2, so that the text between can be changed.

What is not changed stays byte for byte as it was, white space that a `-` removes and comments among it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from jinja2 import Environment

from ses_ops.rendering.html.tokens import FIRST_PLACEHOLDER, PLACEHOLDER, Branch

#: Placeholders of one source; there are 65 534 characters.
_MOST = 65_000
_BRANCH = re.compile(r"\{%[-+]?\s*(?:(?P<begins>if|for)|(?P<turns>elif|else)|(?P<ends>endif|endfor))\b")
#: Blocks whose text goes through a filter, or into a variable that may.
_FILTER = re.compile(r"\{%[-+]?\s*(?:(?P<begins>filter\b|set\s[\w\s,.]*(?:\||[-+]?%\}))|(?P<ends>endfilter|endset)\b)")
_ENDS = frozenset({"variable_end", "block_end", "comment_end", "raw_begin", "raw_end"})


class Change(NamedTuple):
    """What stands in the place of a piece of `ProtectedSource.text`."""

    begin: int
    end: int
    text: str


class ProtectedSource:
    """A template's source, taken apart once."""

    def __init__(self, source: str, environment: Environment) -> None:
        """Raises Jinja2's errors for a source that is none."""
        #: The source with its placeholders.
        self.text = source
        #: What the placeholders stand for.
        self.tags: list[str] = []
        pieces: list[str] = []
        at = begin = 0
        within = False
        for _, kind, value in environment.lex(source):
            if kind == "data":
                pieces.append(self._protected(value))
                at += len(value)
                continue
            if not within:
                # White space that its "-" removes is a part of the tag.
                begin, within = at, True
            at = source.index(value, at) + len(value)
            if kind in _ENDS:
                pieces.append(self._placeholder(source[begin:at]))
                within = False
        pieces.append(self._protected(source[at:]))
        if len(self.tags) <= _MOST:
            self.text = "".join(pieces)

    @property
    def is_protected(self) -> bool:
        """Whether `text` can be changed: there are not more tags than characters to stand for them."""
        return len(self.tags) <= _MOST

    @property
    def branches(self) -> dict[str, Branch]:
        """What the placeholders' tags do, as `html_tokens` takes it."""
        found: dict[str, Branch] = {}
        for number, tag in enumerate(self.tags):
            if branch := _BRANCH.match(tag):
                kind: Branch = "begins" if branch["begins"] else "turns" if branch["turns"] else "ends"
                found[chr(FIRST_PLACEHOLDER + number)] = kind
        return found

    def is_filtered(self, at: int) -> bool:
        """Whether the text at a place goes through a filter, which could break what is put there."""
        return any(begin <= at < end for begin, end in self._filtered)

    @cached_property
    def _filtered(self) -> list[tuple[int, int]]:
        spans, open_blocks = [], []
        for placeholder in PLACEHOLDER.finditer(self.text):
            if block := _FILTER.match(self.tag(placeholder[0])):
                if block["begins"]:
                    open_blocks.append(placeholder.end())
                elif open_blocks:
                    spans.append((open_blocks.pop(), placeholder.start()))
        return spans

    def tag(self, placeholder: str) -> str:
        """What a placeholder stands for."""
        return self.tags[ord(placeholder) - FIRST_PLACEHOLDER]

    def changed(self, changes: Sequence[Change]) -> str:
        """The source with these changes, which do not overlap."""
        pieces: list[str] = []
        at = 0
        for change in sorted(changes):
            pieces += (self._restored(self.text[at : change.begin]), change.text)
            at = change.end
        return "".join((*pieces, self._restored(self.text[at:])))

    def _restored(self, text: str) -> str:
        return PLACEHOLDER.sub(lambda found: self.tag(found[0]), text)

    def _placeholder(self, tag: str) -> str:
        self.tags.append(tag)
        return chr(FIRST_PLACEHOLDER + min(len(self.tags) - 1, _MOST))

    def _protected(self, text: str) -> str:
        """A text without characters that look like placeholders: such a character is a tag of its own."""
        return PLACEHOLDER.sub(lambda found: self._placeholder(found[0]), text) if text else text
