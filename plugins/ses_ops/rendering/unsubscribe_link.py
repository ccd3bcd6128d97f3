"""The unsubscribe link of a task, rendered for each recipient (RFC 2369, RFC 8058).

A value in it is percent-quoted exactly once (RFC 3986 2.1), whatever filters stand behind it. What `urlencode` has
made, or `safe` has said to be ready, keeps its `%40`; the filters of HTML's escaping, which people copy from
templates, do nothing: a link is no HTML. An expression says by its filters that its value is quoted already, so a
value that merely looks like it (`100%25`) is quoted as any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from jinja2 import TemplateSyntaxError, nodes

from ses_ops.domain.address import parse_domain
from ses_ops.errors import Explanation, InvalidInput
from ses_ops.rendering.compiled_part import CompiledPart
from ses_ops.rendering.environment import MailEnvironment, make_environment
from ses_ops.rendering.filters import PLAIN
from ses_ops.rendering.template import MailTemplate
from ses_ops.rendering.template_loader import InsideLoader

#: Characters. A header line may have 998 (RFC 5322 2.1.1), and a URL has no place to fold.
MAX_LENGTH = 900
#: Printable ASCII without what would end `<...>`; in the web forms, a host.
_LINK = re.compile(r"(?:https?://(?:(?![/?#<>])[!-~])+|mailto:(?:(?![?<>])[!-~])+@)[!-;=?-~]*", re.IGNORECASE)
#: The host of an international link, which stands there as people write it.
_HOST = re.compile(r"(?:https?://(?:[^/?#@]*@)?|mailto:[^?]*@)([^/?#:]+)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
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


class UnsubscribeLink:
    """A link with variables, each of which is percent-quoted (below): a value stays one piece of the link."""

    def __init__(self, source: str, template: MailTemplate) -> None:
        """Raises TemplateError when `source` does not compile, InvalidInput when it is no http(s) or mailto link."""
        if not _SCHEME.match(source):
            raise InvalidInput("unsubscribe_link_of_other_scheme", field="unsubscribe_url")
        environment = make_environment(InsideLoader(template.root), finalize=percent_quoted, kind=LinkEnvironment)
        self._part: CompiledPart = template.compile_text(source, "unsubscribe_url", environment)
        #: Only https has one-click unsubscription (RFC 8058 3.1).
        self.one_click = source[:8].lower() == "https://"

    def render(self, values: Mapping[str, str]) -> str:
        """The link for one recipient; raises InvalidInput when it cannot stand in a header."""
        link = self._part.render(values)
        if len(link) > MAX_LENGTH:
            raise InvalidInput("too_many_characters", count=len(link), most=MAX_LENGTH, field="unsubscribe_url")
        if not _LINK.fullmatch(link):
            host = _ascii_host(link)
            code = "link_not_ascii" if host is None else "link_not_ascii_meant"
            raise InvalidInput(code, link=link[:100], host=host, field="unsubscribe_url")
        return link


def _ascii_host(link: str) -> str | None:
    """How an international host is written in a header (RFC 5890 2.3.2.1)."""
    host = _HOST.match(link)
    if host is None or host[1].isascii():
        return None
    try:
        return parse_domain(host[1])
    except InvalidInput:
        return None


# --- the values in it


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
        raise TemplateSyntaxError(Explanation("filter_makes_html", name=min(wrong)).sentence, node.lineno)
    return nodes.Filter(node, _ONCE, [], [], None, None, lineno=node.lineno) if filters & _QUOTES else node


def _filters_of(node: nodes.Node | None) -> Iterator[str]:
    while isinstance(node, nodes.Filter):
        yield node.name
        node = node.node
