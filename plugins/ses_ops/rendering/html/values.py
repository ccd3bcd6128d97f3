"""Values that are HTML (`{{ body | safe }}`) in a text part: the tags go, what they show stays."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from ses_ops.rendering.html.layout import HtmlLayout
from ses_ops.rendering.html.tokens import decoded

#: Filters whose result a template does not escape, as far as a mail shows it.
_MAKE_HTML = frozenset({"e", "escape", "forceescape", "safe", "urlize"})
#: Those at the end of an expression.
_FILTERS = re.compile(r"(?:\s*\|\s*(?:e|escape|forceescape|safe|urlize))*\s*$")
_ESCAPE = frozenset({"e", "escape", "forceescape"})
#: Stands at the ends of a value while it is laid out, so that a value of nothing but `<br>` is a line break.
_END = "\U0010fffd"
_WORD, _HTML_ONLY = "html_as_text", "shown_as_text"


def html_as_text(value: Any, attribute: bool = False) -> str:
    """The text of HTML; with `attribute` that of an attribute's value, which has no tags."""
    html = str(value)
    if attribute:
        return decoded(html, attribute=True)
    if "<" not in html and "&" not in html:
        return html
    text = HtmlLayout({}, repeats_links=False).text(f"{_END}{html.replace(_END, '')}{_END}").strip(_END)
    text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    return text.strip("\n") if text.strip() else text[:1]


def shown_as_text(value: Any, attribute: bool = False) -> Markup:
    """What an HTML template would show of a value: of HTML its text, of text everything."""
    is_html = hasattr(value, "__html__")
    return Markup(html_as_text(value, attribute) if is_html else value)  # noqa: S704 - nothing escapes it, it is text


def as_text(
    token: Sequence[tuple[str, str]],
    text: str,
    texts: Collection[str],
    *,
    is_escaped: bool,
    may_be_html: bool,
    in_attribute: bool,
) -> str:
    """`{{ expression }}` of an HTML template as its text template has it.

    `token` is what `text` consists of by Jinja2's lexer; it `may_be_html` when a variable of the template is.
    `texts` are the names of what the template makes itself (its macros, for example), which is text in a text part.
    """
    argument = "(true)" if in_attribute else ""
    words = [(kind, value) for kind, value in token[1:-1] if kind != "whitespace"]
    filters = [b for (_, a), (kind, b) in pairwise(words) if a == "|" and kind == "name"]
    expression = text[2:-2].strip()
    if not is_escaped:
        return f"{{{{ ({expression}) | {_WORD}{argument} }}}}"
    if words and words[0][1] in texts and not in_attribute and _MAKE_HTML.issuperset(filters):
        return f"{{{{ {_FILTERS.sub('', expression)} }}}}"
    makes_html = [name for name in filters if name in _MAKE_HTML]
    if not makes_html and not may_be_html:
        return text
    if len(makes_html) == 1 and filters[-1] == makes_html[0] == words[-1][1] and not may_be_html:
        before = expression.removesuffix(makes_html[0]).rstrip().removesuffix("|").rstrip()
        if makes_html[0] in _ESCAPE:
            return f"{{{{ {before} }}}}"
        if makes_html[0] == "safe":
            return f"{{{{ {before} | {_WORD}{argument} }}}}"
    # In this order: which filters keep HTML, and what they escape, depends on whether the template escapes.
    return f"{{% autoescape true %}}{{{{ ({expression}) | {_HTML_ONLY}{argument} }}}}{{% endautoescape %}}"
