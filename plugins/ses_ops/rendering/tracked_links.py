"""The links of a template's files that lead over our own address when they are tracked.

Only what is a whole http(s) address, the same for all recipients, is a link here: everything else stays byte for byte
as it is (docs/tracking.md has the list). A browser must come to exactly the octets that the mail would have led it to,
so an attribute is decoded once, as a browser does (HTML Living Standard 13.2.5), and nothing is encoded again.
"""

from __future__ import annotations

import re
from typing import Protocol

from ses_ops.rendering.html.tokens import PLACEHOLDER, AttributeSpan, StartTag, decoded, html_tokens
from ses_ops.rendering.protected_source import Change, ProtectedSource

#: Stands for a message's token: a character of the private use area that no template has.
CLICK_MARK = "\U0010fff0"
#: On a link: it stays as it is. The attribute itself does not leave.
NO_TRACK = "data-no-track"
#: Elements whose `href` a person follows; that of `<link>` and `<base>` is none.
_FOLLOWED = frozenset({"a", "area"})
#: What a browser takes away at both ends of an address (URL Standard 4.4: C0 controls and space).
_AROUND = "".join(map(chr, range(0x21)))
_WITH_SPACE_BEFORE = re.compile(r"[\t\n\f\r ]*\Z")
#: Paths of the public listener: its pages, pixels and links are no links to track.
_OWN_PATHS = ("/u/", "/c/", "/o/")
_IN_TEXT = re.compile(r"(?<![A-Za-z0-9+.-])https?://[^\s<>\"\x00-\x1f\x7f]+", re.IGNORECASE)
#: What ends a sentence and no address. The second kind, of East Asian text, ends an address wherever it stands.
_ENDS_SENTENCE = ".,;:!?'"
_ENDS_ADDRESS = re.compile(
    "[\u00ab\u00bb\u060c\u061b\u061f\u0964\u0965\u2010-\u201f\u2026\u2039\u203a"
    "\u3000-\u303f\uff00-\uff20\uff3b-\uff40\uff5b-\uff65]"
)
#: What nobody can tell from the text around it: letters of scripts without spaces, and marks of bold text at the end.
_UNCERTAIN = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]|[*_~]\\Z"
)
_BRACKETS = {")": "(", "]": "[", "}": "{"}


class MakesLinks(Protocol):
    """What signs a target; see events/link_tokens.py."""

    def make(self, target: str, place: int) -> str:
        """The link; raises ValueError for a target that gets none."""


class Links:
    """The tracked links of one task's mail, in the order in which they are found."""

    def __init__(self, maker: MakesLinks, *, public_url: str, unsubscribe_url: str | None = None) -> None:
        """`unsubscribe_url` is the task's own: a link to it stays as it is."""
        self._maker = maker
        self._click = f"{public_url}/c/{CLICK_MARK}/"
        self._own = tuple(public_url + path for path in _OWN_PATHS)
        self._unsubscribe_url = unsubscribe_url
        self._next_place = 0
        #: Each target, and its first place in the mail.
        self.targets: dict[str, int] = {}

    def address(self, target: str, *, again: bool = False) -> str | None:
        """The address that leads to a target, with a mark for the token; None for a target that stays as it is.

        Each link has a place of its own; `again`: one with this target that was there before has its place.
        """
        if target == self._unsubscribe_url or target.startswith(self._own):
            return None
        place = self.targets.get(target, self._next_place) if again else self._next_place
        try:
            link = self._maker.make(target, place)
        except ValueError:
            return None
        self._next_place = max(self._next_place, place + 1)
        self.targets.setdefault(target, place)
        return self._click + link


# --- in HTML


def changes_in_html(source: ProtectedSource, links: Links) -> list[Change]:
    """The links of an HTML file."""
    changes: list[Change] = []
    for token in html_tokens(source.text, source.branches):
        if not isinstance(token, StartTag):
            continue
        marks = [span for span in token.spans if span.name == NO_TRACK]
        changes += (_removed(source.text, span) for span in marks)
        if token.name in _FOLLOWED and not marks and not source.is_filtered(token.end):
            changes += _followed(source.text, token, links)
    return changes


def _followed(text: str, tag: StartTag, links: Links) -> list[Change]:
    """The `href` of a tag; more than one where the template has branches."""
    changes = []
    for span in tag.spans:
        written = text[span.value_begin : span.value_end]
        if span.name != "href" or PLACEHOLDER.search(written):
            continue
        if (address := links.address(decoded(written, attribute=True).strip(_AROUND))) is not None:
            changes.append(Change(span.value_begin, span.value_end, address))
    return changes


def _removed(text: str, span: AttributeSpan) -> Change:
    """An attribute with the white space before it."""
    before = _WITH_SPACE_BEFORE.search(text, max(0, span.begin - 100), span.begin)
    return Change(before.start() if before else span.begin, span.end, "")


# --- in plain text


def changes_in_text(source: ProtectedSource, links: Links) -> list[Change]:
    """The addresses of a text file."""
    changes = []
    for found in _IN_TEXT.finditer(source.text):
        end = _end_of_address(source.text, found.start(), found.end())
        target = source.text[found.start() : end]
        # An address beside a tag of Jinja2 may go on in what that puts out, and one may go on behind another.
        around = source.text[max(0, found.start() - 1) : found.end() + 1]
        if PLACEHOLDER.search(around) or _UNCERTAIN.search(target):
            continue
        if source.is_filtered(found.start()):
            continue
        if (address := links.address(target, again=True)) is not None:
            changes.append(Change(found.start(), end, address))
    return changes


def _end_of_address(text: str, begin: int, end: int) -> int:
    """Where the address that begins there ends, without the signs of the sentence around it."""
    if sign := _ENDS_ADDRESS.search(text, begin, end):
        end = sign.start()
    while end > begin:
        last = text[end - 1]
        opened = _BRACKETS.get(last)
        unbalanced = opened and text.count(opened, begin, end) < text.count(last, begin, end)
        if last not in _ENDS_SENTENCE and not unbalanced:
            break
        end -= 1
    return end
