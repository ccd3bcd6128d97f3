"""The values in a link: each is percent-quoted exactly once (RFC 3986 2.1), whatever filters stand behind it.

What `urlencode` has made, or `safe` has said to be ready, keeps its `%40`; the filters of HTML's escaping, which people
copy from a template, do nothing: a link is no HTML. An expression says by its filters that its value is quoted already,
so a value that merely looks like it (`100%25`) is quoted as any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from jinja2 import TemplateSyntaxError, nodes

from ses_ops.rendering.environment import MailEnvironment
from ses_ops.rendering.operations import PLAIN

#: The filters behind which a value is quoted already.
_QUOTES = frozenset({"urlencode", "safe"})
_ESCAPES = ("e", "escape", "forceescape")
_MAKES_HTML = frozenset({"urlize", "xmlattr"})
#: No template can write this name.
_ONCE = "ses:quoted"
#: What is never quoted (RFC 3986 2.3).
_is_unreserved = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
#: What of a quoted value is none: all but `%40`, and the `+` that some write for a space.
_UNQUOTED = re.compile(r"(?:%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9_.~%+-])+")


class _Quoted(str):
    """A text that is percent-quoted."""

    __slots__ = ()


def percent_quoted(value: Any) -> str:
    """The value as one piece of a link."""
    if value.__class__ is _Quoted:
        return value
    text = str(value)
    return text if _is_unreserved(text) else quote(text, safe="")


def _completed(value: Any) -> str:
    """A value that is quoted already, and nothing in it that could end its piece of the link (`/` of urlencode)."""
    return _Quoted(_UNQUOTED.sub(lambda found: quote(found[0], safe=""), str(value)))


class LinkEnvironment(MailEnvironment):
    """The Jinja2 of links."""

    plain_filters: ClassVar[Mapping[str, Callable[..., Any]]] = {
        **PLAIN,
        **dict.fromkeys(_ESCAPES, str),
        _ONCE: _completed,
    }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for output in tree.find_all(nodes.Output):
            output.nodes = [_marked(node) for node in output.nodes]
        tree.set_environment(self)
        return tree


def _marked(node: nodes.Expr) -> nodes.Expr:
    filters = set(_filters_of(node))
    if wrong := filters & _MAKES_HTML:
        raise TemplateSyntaxError(f"the filter {min(wrong)!r} makes HTML, which no link can hold", node.lineno)
    return nodes.Filter(node, _ONCE, [], [], None, None, lineno=node.lineno) if filters & _QUOTES else node


def _filters_of(node: nodes.Node | None) -> Iterator[str]:
    while isinstance(node, nodes.Filter):
        yield node.name
        node = node.node
