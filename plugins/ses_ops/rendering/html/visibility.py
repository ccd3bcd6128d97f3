"""Which elements of a mail nobody sees: the lines that only a list of mails is to show (*preheaders*), for example."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Flag

from ses_ops.rendering.html.style_sheet import StyleSheet

_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_DECLARATION = re.compile(r"""(?:[^;"']|"[^"]*"|'[^']*'|["'])+""")
_LENGTH = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:e[+-]?\d+)?\s*([a-z]*|%)")
#: `font: 0/0 a`.
_FONT_SIZE = re.compile(r"(?:^|\s)([\d.]+(?:px|pt|r?em|%)?)(?=/|\s)")
#: Pixels or points that are too few to be read.
_UNREADABLE = 1.0
_RELATIVE = frozenset({"em", "%", "ex", "ch"})
_KEEPS = frozenset({"inherit", "larger", "smaller", "unset"})


class Unseen(Flag):
    """Why an element, or the words in it, cannot be seen."""

    NO = 0
    #: Nothing in it can be seen again.
    GONE = 1
    #: Until something in it is visible.
    INVISIBLE = 2
    #: Until something in it has a size. Pictures have their own: layouts keep columns together in this way.
    NO_SIZE = 4


def unseen(name: str, attributes: Mapping[str, str], within: Unseen, sheet: StyleSheet) -> Unseen:
    """What an element is in one that is `within`, by its own attributes and the simple rules of the style sheets."""
    if within & Unseen.GONE:
        return within
    if name in ("template", "datalist"):
        return within | Unseen.GONE
    style = declarations(sheet.style_of(name, attributes) + attributes.get("style", ""))
    display = style.get("display", "")
    # An author's `display` is stronger than the browser's for `hidden`.
    if display == "none" or ("hidden" in attributes and not display) or _is_gone(name, style):
        return within | Unseen.GONE
    visibility = style.get("visibility", "")
    if visibility in ("hidden", "collapse"):
        within |= Unseen.INVISIBLE
    elif visibility in ("visible", "initial"):
        within &= ~Unseen.INVISIBLE
    return _sized(style, within)


def declarations(style: str) -> dict[str, str]:
    """The names and values of a style attribute in lower case; the last one counts, an important one before others."""
    found: dict[str, str] = {}
    important: set[str] = set()
    if "/*" in style:
        style = _COMMENT.sub(" ", style)
    for declaration in _DECLARATION.findall(style.lower()):
        name, colon, value = declaration.partition(":")
        name = name.strip()
        value = value.strip()
        before, _, word = value.rpartition("!")
        is_important = word.strip() == "important"
        value = before.rstrip() if is_important else value
        if not colon or not value or (name in important and not is_important):
            continue
        if is_important:
            important.add(name)
        found[name] = value
    return found


def length(value: str) -> tuple[float, str] | None:
    """A number and its unit."""
    found = _LENGTH.fullmatch(value)
    return (float(found[1]), found[2]) if found else None


def _is_gone(name: str, style: Mapping[str, str]) -> bool:
    if not style:
        return False
    if _is_zero(style.get("opacity", "")):
        return True
    clips = style.get("overflow", style.get("overflow-y", "")) in ("hidden", "clip", "scroll", "auto")
    # Without `overflow` some mails lay one thing over another with it, as in `max-height:0; position:relative`.
    if _is_zero(style.get("max-height", "")) and (clips or not {"overflow", "position"} & style.keys()):
        return True
    if clips and any(_is_zero(style.get(side, "")) for side in ("height", "width", "max-width")):
        return True
    # Word hides it, others show it. As a button it stands beside a drawing of Word's own in a comment.
    return style.get("mso-hide") == "all" and name != "a" and "display" not in style


def _is_zero(value: str) -> bool:
    measure = length(value)
    return measure is not None and measure[0] == 0


def _sized(style: Mapping[str, str], within: Unseen) -> Unseen:
    size = style.get("font-size", "")
    if not size and "font" in style:
        found = _FONT_SIZE.search(style["font"])
        size = found[1] if found else ""
    measure = length(size)
    if measure is not None:
        number, unit = measure
        if number == 0 or (unit in ("", "px", "pt") and number <= _UNREADABLE):
            return within | Unseen.NO_SIZE
        return within if unit in _RELATIVE else within & ~Unseen.NO_SIZE
    return within & ~Unseen.NO_SIZE if size and size not in _KEEPS else within
