"""A tokenizer for HTML as mails have it (HTML Living Standard 13.2.5), in linear time.

It builds no tree. A browser moves what stands between the rows of a table to before the table (13.2.6.1), and what
stands there in a template is `{% for %}`; and a tree has a depth. In the source, each tag of Jinja2 is one character
of the private use area, its placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from html.entities import html5
from typing import Literal, NamedTuple

#: Supplementary Private Use Area-A: 65 534 characters that no text has.
FIRST_PLACEHOLDER = 0xF0000
_ANY = "\U000f0000-\U000ffffd"
PLACEHOLDER = re.compile(f"[{_ANY}]")
#: What a reference may not bring in: a placeholder, and the mark at a fragment's ends.
_RESERVED = re.compile(f"[{_ANY}\U0010fffd]")
#: What a placeholder's tag does: `{% if %}`, `{% else %}`, `{% endif %}`. Values have no entry.
Branch = Literal["begins", "turns", "ends"]

_MARKUP = re.compile(rf"<(?:(?P<slash>/?)(?P<name>[A-Za-z][^\t\n\f\r />{_ANY}]*)|(?P<comment>!--)|[!?/])")
_COMMENT_ENDS = re.compile(r"--!?>")
_ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*(?:(?P<end>>)|(?P<name>[^\t\n\f\r />][^\t\n\f\r />=]*)
    (?P<value>[\t\n\f\r ]*=[\t\n\f\r ]*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<open>["'])|(?P<bare>)))?)""",
    re.VERBOSE,
)
#: A piece of an unquoted value that has no placeholder.
_BARE = re.compile(rf"[^\t\n\f\r >{_ANY}]*")
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);?|[A-Za-z][A-Za-z0-9]{0,31};?)")
#: Elements whose content is not read for tags (13.2.6.4), and whether it is shown.
_RAW = {
    **dict.fromkeys(("script", "style", "title", "iframe", "noembed", "noframes"), False),
    **dict.fromkeys(("textarea", "xmp", "plaintext"), True),
}
#: `href={% if x %}"a"{% else %}"b"{% endif %}`: quoted in whichever branch is taken.
_QUOTED_IN_BRANCH = re.compile(rf"""(?<=[{_ANY}])(["'])([^"']*)\1(?={PLACEHOLDER.pattern})""")
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE) for name in _RAW if name != "plaintext"}


class AttributeSpan(NamedTuple):
    """Where an attribute stands in the source: its name in lower case, then places as those of a slice."""

    name: str
    begin: int
    end: int
    #: Of its value, without quotes; empty where it has none.
    value_begin: int
    value_end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StartTag:
    """`<name a="1" b='2' c=3 d>`, its name in lower case, its values decoded."""

    name: str
    #: Those that the tag has in any case; of two with one name the first counts.
    attributes: dict[str, str] = field(default_factory=dict)
    #: Everything in the tag in its order: names with their values, placeholders between them without a name.
    items: tuple[tuple[str, str], ...] = ()
    #: Its attributes in their order, those in branches of the template among them.
    spans: tuple[AttributeSpan, ...] = ()
    #: The place behind the tag.
    end: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EndTag:
    """`</name>`."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """What stands in `<style>`."""

    css: str


HtmlToken = str | StartTag | EndTag | Style


def html_tokens(source: str, branches: Mapping[str, Branch]) -> Iterator[HtmlToken]:
    """Texts, decoded, and tags. Comments and the like are left out.

    `branches` says of the placeholders what their tags do.
    """
    at = 0
    while found := _MARKUP.search(source, at):
        if at < found.start():
            yield decoded(source[at : found.start()])
        at = found.end()
        if found["name"] is None:
            at = _after_comment(source, at, real=bool(found["comment"]))
            continue
        name = found["name"].lower()
        items, spans, at = _items(source, at, branches)
        if at < 0:  # the file ends within the tag: browsers show nothing of it
            return
        if found["slash"]:
            yield EndTag(name=name)
            continue
        yield StartTag(name=name, attributes=_certain(items, branches), items=tuple(items), spans=tuple(spans), end=at)
        if name in _RAW:
            ends = _RAW_ENDS[name].search(source, at) if name in _RAW_ENDS else None
            end = ends.start() if ends else len(source)
            if name == "style":
                yield Style(css=source[at:end])
            elif _RAW[name] and at < end:
                yield decoded(source[at:end]) if name == "textarea" else source[at:end]
            at = end
    if at < len(source):
        yield decoded(source[at:])


def _after_comment(source: str, at: int, *, real: bool) -> int:
    if not real:
        return source.find(">", at) + 1 or len(source)
    for nothing in (">", "->"):
        if source.startswith(nothing, at):
            return at + len(nothing)
    ends = _COMMENT_ENDS.search(source, at)
    return ends.end() if ends else len(source)


def _items(
    source: str, at: int, branches: Mapping[str, Branch]
) -> tuple[list[tuple[str, str]], list[AttributeSpan], int]:
    """What stands in a tag behind its name, and the place behind the tag, -1 when it has no end."""
    items: list[tuple[str, str]] = []
    spans: list[AttributeSpan] = []
    while found := _ATTRIBUTE.match(source, at):
        at = found.end()
        if found["end"]:
            return items, spans, at
        if found["open"]:
            break
        name = found["name"]
        # `{% if x %}class="a"{% endif %}`: what stands before a name is none of it, nor behind one without a value.
        before = len(name) - len(name.lstrip(_placeholders_of(name)))
        items += (("", one) for one in name[:before])
        name = name[before:]
        begin = found.end("value") if found["bare"] is not None else max(found.start("double"), found.start("single"))
        if found["bare"] is not None:
            value, at = _bare_value(source, at, branches)
        else:
            value = found["double"] or found["single"] or ""
        after = [] if found["value"] else PLACEHOLDER.findall(name)
        if name := PLACEHOLDER.sub("", name):
            items.append((name.lower(), decoded(value, attribute=True)))
            begin = begin if begin >= 0 else at
            ends = at if found["bare"] is not None else max(found.end("double"), found.end("single"), begin)
            spans.append(AttributeSpan(name.lower(), found.start("name") + before, at, begin, ends))
        items += (("", one) for one in after)
    return items, spans, -1


def _placeholders_of(name: str) -> str:
    return "".join(PLACEHOLDER.findall(name)) or " "


def _bare_value(source: str, at: int, branches: Mapping[str, Branch]) -> tuple[str, int]:
    """A value without quotes (13.1.2.3), and the place behind it.

    It also ends where a branch of the template ends that has begun before it, and where one begins that ends behind it.
    """
    begin = at
    open_branches: list[int] = []
    while True:
        found = _BARE.match(source, at)
        at = found.end() if found else at
        if at >= len(source) or not PLACEHOLDER.match(source, at):
            break
        does = branches.get(source[at])
        if does in ("turns", "ends") and not open_branches:
            break
        if does == "begins":
            open_branches.append(at)
        elif does == "ends":
            open_branches.pop()
        at += 1
    at = open_branches[0] if open_branches else at
    return _QUOTED_IN_BRANCH.sub(r"\2", source[begin:at]), at


def _certain(items: list[tuple[str, str]], branches: Mapping[str, Branch]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    depth = 0
    for name, value in items:
        if name and not depth:
            attributes.setdefault(name, value)
        elif not name:
            depth += {"begins": 1, "ends": -1}.get(branches.get(value, ""), 0)
    return attributes


def decoded(text: str, *, attribute: bool = False) -> str:
    """The text with its character references resolved (13.2.5.72 and on).

    In an attribute, `&copy=3` and `&section` stay as they are: most such things are parts of addresses.
    """
    if "&" not in text:
        return text
    return _REFERENCE.sub(_in_attribute if attribute else _in_text, text)


def _in_text(found: re.Match[str]) -> str:
    reference = found[0]
    # Python refuses to read numbers of thousands of digits; no character has one of more than seven.
    if reference.startswith("&#") and len(reference) > 12:
        digits = reference[2:].rstrip(";")
        hexadecimal = digits[0] in "xX"
        digits = digits[hexadecimal:].lstrip("0")[:8]
        reference = f"&#{'x' * hexadecimal}{digits or '0'};"
    return _RESERVED.sub("\ufffd", unescape(reference))


def _in_attribute(found: re.Match[str]) -> str:
    reference = found[0]
    if reference.startswith("&#") or (reference[1:] in html5 and reference.endswith(";")):
        return _in_text(found)
    # Without its semicolon, a name counts only where nothing follows that might be more of a word or a value.
    follows = found.string[found.end() : found.end() + 1]
    return _in_text(found) if reference[1:] in html5 and follows != "=" else reference
