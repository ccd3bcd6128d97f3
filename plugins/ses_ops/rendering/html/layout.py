"""HTML to lines of text, a tag at a time: whatever a tag makes necessary is done within a bounded number of steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ses_ops.rendering.html.open_elements import LISTS, Element, OpenElements, margin_of
from ses_ops.rendering.html.style_sheet import StyleSheet
from ses_ops.rendering.html.text_page import TextPage
from ses_ops.rendering.html.tokens import PLACEHOLDER, Branch, EndTag, StartTag, html_tokens
from ses_ops.rendering.html.visibility import Unseen, declarations, length, unseen

#: They end with a space, so that words in two of them do not touch.
_SPACED = frozenset({"button", "option", "select", "td", "textarea", "th"})
_AS_IT_IS = frozenset({"listing", "plaintext", "pre", "textarea", "xmp"})
#: Elements without content.
_VOID = frozenset(
    {
        *("area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input"),
        *("keygen", "link", "meta", "param", "source", "track", "wbr"),
    }
)
#: Elements kept of those that a branch of the template ends, to be open again in its next branch.
_MAX_REOPENED = 100
#: Texts for pictures that are a bullet, a line between columns or a cross to close something with.
_NO_WORDS = frozenset("*|-.·•_~>xX")
#: What browsers take out of an address.
_NOT_IN_ADDRESS = re.compile(r"[\t\n\r]+")

#: What is written of an attribute's value that has placeholders.
AttributeText = Callable[[str], str]


@dataclass(kw_only=True, slots=True)
class _BranchPoint:
    """An `{% if %}`, the number of elements that are open there, and the lowest that it has been since."""

    depth: int
    lowest: int
    #: Those of them that the branch has ended, the outermost last.
    ended: list[Element] = field(default_factory=list)
    has_links: bool = False


class HtmlLayout:
    """One text in the making."""

    def __init__(
        self,
        branches: Mapping[str, Branch],
        needed: frozenset[str] = frozenset(),
        attribute: AttributeText = str,
        *,
        repeats_links: bool = True,
    ) -> None:
        """`needed` are the placeholders that must not be lost with an element that nobody sees.

        A link whose text is its address is written twice if it `repeats_links`.
        """
        self._branches = branches
        self._needed = needed
        self._attribute = attribute
        self._repeats_links = repeats_links
        self._page = TextPage()
        self._open = OpenElements()
        self._sheet = StyleSheet()
        self._points: list[_BranchPoint] = []
        #: Placeholders in elements that nobody sees, since something was seen.
        self._unseen_tags: list[str] = []

    def text(self, html: str) -> str:
        """The text of `html`."""
        for token in html_tokens(html, self._branches):
            if isinstance(token, StartTag):
                self._start(token)
            elif isinstance(token, EndTag):
                self._end(token.name)
            elif isinstance(token, str):
                self._write(token)
            elif not PLACEHOLDER.search(token.css):  # else only some may have its rules
                self._sheet.add(token.css)
        self._end_down_to(0)
        self._keep_unseen_tags()
        return self._page.text()

    def _write(self, text: str) -> None:
        at = 0
        for found in PLACEHOLDER.finditer(text):
            branch = self._branches.get(found[0])
            if branch is None and found[0] not in self._needed:
                continue
            # What stands before a branch is written before the branch is left.
            self._write_piece(text[at : found.start()])
            if branch in ("turns", "ends"):
                self._leave_branch(last=branch == "ends")
            self._write_piece(found[0])
            at = found.end()
            if branch == "begins":
                self._points.append(_BranchPoint(depth=len(self._open), lowest=len(self._open)))
        self._write_piece(text[at:])

    def _write_piece(self, text: str) -> None:
        top = self._open.top
        if top and top.unseen:
            if text in self._branches or text in self._needed:
                self._unseen_tags.append(text)
            return
        if self._unseen_tags and text and not text.isspace():
            self._keep_unseen_tags()
        if top and top.as_it_is:
            self._page.as_it_is(text)
        else:
            self._page.flow(text)

    def _keep_unseen_tags(self) -> None:
        """`{% set %}` where nobody sees it is needed elsewhere, and so is an `{% if %}` that ends elsewhere."""
        tags, self._unseen_tags = self._unseen_tags, []
        depth = sum({"begins": 1, "ends": -1}.get(self._branches.get(tag, ""), 0) for tag in tags)
        if depth or not self._needed.isdisjoint(tags):
            self._page.flow("".join(tags))

    def _leave_branch(self, *, last: bool) -> None:
        """What a branch has opened is not open in the next one, and what it has ended is."""
        if not self._points:
            return
        point = self._points[-1]
        if not last or point.has_links:
            for element in reversed(self._open.elements[point.lowest :]):
                point.has_links |= bool(element.target)
                self._end_link(element)
        if last:
            self._points.pop()
            if self._points and point.lowest < (outer := self._points[-1]).lowest:
                outer.ended += point.ended[max(point.depth - outer.lowest, 0) :]
                outer.lowest = point.lowest
            return
        while len(self._open) > point.lowest:
            if (element := self._open.pop()).name in LISTS and not element.is_hidden:
                self._page.list_ends()
        for element in reversed(point.ended):
            if element.is_over:
                continue
            element.is_target_written, element.since = False, self._page.written
            self._open.push(element)
            if element.name in LISTS and not element.is_hidden:
                self._page.list_begins(numbered=element.name == "ol")
        point.ended = []
        point.depth = point.lowest = len(self._open)

    def _start(self, tag: StartTag) -> None:
        name = tag.name
        if (place := self._open.ended_by_start(name)) is not None:
            self._end_down_to(place)
        top = self._open.top
        words_hidden = unseen(name, tag.attributes, top.unseen if top else Unseen.NO, self._sheet)
        hidden = words_hidden & ~Unseen.NO_SIZE
        style = declarations(tag.attributes["style"]) if "style" in tag.attributes else {}
        white_space = style.get("white-space", "")
        element = Element(
            name=name,
            unseen=words_hidden,
            margin=margin_of(name, style, "margin-bottom"),
            as_it_is=white_space.startswith("pre") if white_space else (top and top.as_it_is) or name in _AS_IT_IS,
            since=self._page.written,
        )
        if not hidden and element.margin >= 0:
            self._page.block(margin_of(name, style, "margin-top"))
        if name in _VOID:
            if not hidden:
                self._void(tag)
                self._finish(element)
            return
        self._open.push(element)
        if hidden:
            return
        if name in LISTS:
            self._page.list_begins(numbered=name == "ol")
        elif name == "li" and not words_hidden:
            self._page.item()
        elif name == "a":
            self._begin_link(element, tag)
        elif name == "q" and not words_hidden:
            self._page.flow('"')

    def _end(self, name: str) -> None:
        if name == "br":
            self._page.line_break()
        place = self._open.ended_by_end(name)
        if place is None:
            return
        if not self._open.goes_on_in(place):
            self._end_down_to(place)
        elif not self._open.elements[place].is_hidden:
            self._finish(self._open.elements[place])
            self._open.is_over(place)

    def _end_down_to(self, depth: int) -> None:
        point = self._points[-1] if self._points else None
        while len(self._open) > depth:
            element = self._open.pop()
            if not element.is_over:
                self._finish(element)
            if point and len(self._open) < point.lowest:
                point.lowest = len(self._open)
                if len(point.ended) < _MAX_REOPENED:
                    point.ended.append(element)

    def _finish(self, element: Element) -> None:
        if element.is_hidden:
            return
        self._end_link(element)
        if element.name in LISTS:
            self._page.list_ends()
        elif element.name == "q" and not element.unseen:
            self._page.flow('"')
        if element.margin >= 0:
            self._page.block(element.margin)
        elif element.name in _SPACED:
            self._page.space()

    def _void(self, tag: StartTag) -> None:
        if tag.name == "br":
            self._page.line_break()
        elif tag.name in ("img", "image") or (tag.name == "input" and tag.attributes.get("type", "") == "image"):
            self._picture(tag)
        elif tag.name == "area":
            # A part of a picture that leads somewhere.
            link = Element(name="a", unseen=Unseen.NO, margin=0, as_it_is=False, since=self._page.written)
            self._begin_link(link, tag)
            self._page.block(0)
            if link.target:
                self._picture(tag)
            self._finish(link)

    def _picture(self, tag: StartTag) -> None:
        """The text that stands for a picture (RFC 2046 5.1.4); an empty one says that it is decoration."""
        if any(_is_dot(tag.attributes.get(side, "")) for side in ("width", "height")):
            return
        text = self._value(tag, "alt")
        if not text and all(name != "alt" for name, _ in tag.items):
            text = self._value(tag, "title")
        text = text.strip()
        if text and text not in _NO_WORDS:
            if self._unseen_tags:
                self._keep_unseen_tags()
            self._page.space()
            self._page.flow(text)
            self._page.space()

    def _begin_link(self, element: Element, tag: StartTag) -> None:
        element.target = self._value(tag, "href", " <{}>")
        element.label = self._value(tag, "aria-label") or self._value(tag, "title")
        if self._page.ends_with_link:
            self._page.space()

    def _end_link(self, element: Element) -> None:
        """`Our shop <https://...>`: the form of RFC 3986 appendix C, which mail clients make clickable."""
        if not element.target or element.is_target_written:
            return
        element.is_target_written = True
        shown = self._page.written - element.since
        if not shown and element.unseen:
            return
        if not shown and not element.label:
            self._page.flow(element.target)
            self._page.space()
            return
        if not shown:
            self._page.flow(element.label)
        if self._repeats_links or shown != 1 or self._page.last != element.target.strip(" <>"):
            self._page.behind(element.target)

    def _value(self, tag: StartTag, name: str, form: str = "{}") -> str:
        """What is written of an attribute, in this form; empty when it is.

        Where it stands in branches of the template (`<a {% if x %}href="1"{% else %}href="2"{% endif %}>`), with them.
        """
        if name in tag.attributes:
            items: tuple[tuple[str, str], ...] = ((name, tag.attributes[name]),)
        elif any(found == name for found, _ in tag.items):
            items = tuple(item for item in tag.items if item[0] == name or item[1] in self._branches)
        else:
            return ""
        pieces = []
        for found, value in items:
            cleaned = _NOT_IN_ADDRESS.sub("", value).strip() if name == "href" else " ".join(value.split())
            if not found:
                pieces.append(value)
            elif cleaned and not (name == "href" and cleaned.startswith("#")):
                pieces.append(form.format(cleaned))
        return self._attribute("".join(pieces))


def _is_dot(side: str) -> bool:
    measure = length(side.strip().lower())
    return measure is not None and measure[1] in ("", "px") and measure[0] <= 1
