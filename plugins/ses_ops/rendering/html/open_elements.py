"""The elements that are open at a place of an HTML text, and which of them a tag ends.

Each question is answered from lists of places, not by a walk up the stack, so that no depth makes a tag expensive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ses_ops.rendering.html.visibility import Unseen, length

#: Blank lines before and after an element that has lines of its own.
BLOCKS = {
    **dict.fromkeys(("p", "figure", "h", "h1", "h2", "h3", "h4", "h5", "h6"), 1),
    **dict.fromkeys(("address", "article", "aside", "blockquote", "caption", "center", "dd", "details", "dialog"), 0),
    **dict.fromkeys(("dir", "div", "dl", "dt", "fieldset", "figcaption", "footer", "form", "header", "hgroup"), 0),
    **dict.fromkeys(("hr", "layer", "legend", "li", "listing", "main", "menu", "nav", "ol", "optgroup"), 0),
    **dict.fromkeys(("plaintext", "pre", "search", "section", "summary", "table", "tbody", "tfoot", "thead"), 0),
    **dict.fromkeys(("tr", "ul", "xmp"), 0),
}
LISTS = frozenset({"dir", "menu", "ol", "ul"})
#: A start tag ends what of these is open in the same table, list or cell: end tags may be left out (13.1.2.4).
_ENDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(BLOCKS, ("p",)),
    **dict.fromkeys(("td", "th"), ("td", "th")),
    "tr": ("td", "th", "tr"),
    **dict.fromkeys(("tbody", "thead", "tfoot"), ("td", "th", "tr", "tbody", "thead", "tfoot")),
    "li": ("li", "p"),
    **dict.fromkeys(("dd", "dt"), ("dd", "dt", "p")),
    "option": ("option",),
    "a": ("a",),
}
_TABLE_PARTS = frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
_LIST_PARTS = frozenset({"dd", "dt", "li", "option"})
#: A tag in one of these ends nothing outside of it; the parts of a table end with their table, those of a list so too.
_SCOPES = frozenset({"button", "caption", "marquee", "object", "table", "td", "template", "th"})
_LIST_SCOPES = frozenset({*LISTS, "dl", "select", "table"})
#: How much of a unit makes a blank line.
_BLANK_LINE = {"px": 8.0, "pt": 6.0, "em": 0.5, "rem": 0.5}


@dataclass(kw_only=True, slots=True)
class Element:
    """One that is open."""

    name: str
    unseen: Unseen
    #: Blank lines behind it; -1 for one that stands within a line.
    margin: int
    #: Its spaces and line breaks count.
    as_it_is: bool
    #: What is written of where a link leads, and whether that has been done.
    target: str = ""
    is_target_written: bool = False
    #: What a link is called that shows nothing.
    label: str = ""
    #: Pieces that the page had when it began.
    since: int = 0
    #: It has ended, but something that began in it goes on.
    is_over: bool = False

    @property
    def is_hidden(self) -> bool:
        """Pictures in it are not seen either."""
        return bool(self.unseen & ~Unseen.NO_SIZE)


@dataclass(slots=True)
class OpenElements:
    """A stack, the outermost first."""

    elements: list[Element] = field(default_factory=list)
    #: Where in the stack the elements of a name are.
    _places: dict[str, list[int]] = field(default_factory=dict)
    _scopes: list[int] = field(default_factory=list)
    _list_scopes: list[int] = field(default_factory=list)
    _blocks: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.elements)

    @property
    def top(self) -> Element | None:
        """The innermost one."""
        return self.elements[-1] if self.elements else None

    def push(self, element: Element) -> None:
        """It is the innermost now."""
        place = len(self.elements)
        self.elements.append(element)
        for places in self._lists_of(element):
            places.append(place)

    def pop(self) -> Element:
        """The innermost one, which is no longer open."""
        element = self.elements.pop()
        for places in self._lists_of(element):
            if places and places[-1] == len(self.elements):
                places.pop()
        return element

    def ended_by_start(self, name: str) -> int | None:
        """The place of the outermost element that a start tag ends."""
        places = [place for other in _ENDS.get(name, ()) if (place := self._place(other)) is not None]
        return min(places, default=None)

    def ended_by_end(self, name: str) -> int | None:
        """The place of the element that an end tag ends; None when it is stray."""
        return self._place(name)

    def goes_on_in(self, place: int) -> bool:
        """Whether a block began in this inline element: `<b><p>one</b>two</p>`."""
        element = self.elements[place]
        return element.margin < 0 and element.name not in _SCOPES and self._blocks[-1:] > [place]

    def is_over(self, place: int) -> None:
        """An element that goes on in another is not found any more."""
        element = self.elements[place]
        element.is_over = True
        self._places[element.name].pop()

    def _place(self, name: str) -> int | None:
        places = self._places.get(name)
        if not places:
            return None
        scopes = self._scopes
        if name == "table":
            scopes = []
        elif name in _TABLE_PARTS:
            scopes = self._places.get("table", [])
        elif name in _LIST_PARTS:
            scopes = self._list_scopes
        return None if scopes and places[-1] < scopes[-1] else places[-1]

    def _lists_of(self, element: Element) -> list[list[int]]:
        lists = [self._places.setdefault(element.name, [])]
        if element.name in _SCOPES:
            lists.append(self._scopes)
        if element.name in _LIST_SCOPES:
            lists.append(self._list_scopes)
        if element.margin >= 0:
            lists.append(self._blocks)
        return lists


def margin_of(name: str, style: Mapping[str, str], side: str) -> int:
    """Blank lines on a side of an element; -1 when it stands within a line."""
    display = style.get("display", "")
    margin = BLOCKS.get(name, -1)
    if display == "inline" or (margin < 0 and display not in ("block", "table", "flex", "grid", "list-item")):
        return -1 if display == "inline" else margin
    measure = length(style.get(side, ""))
    if measure is None or (measure[1] not in _BLANK_LINE and measure[0]):
        return max(margin, 0)
    return int(measure[0] >= _BLANK_LINE.get(measure[1], 1))
