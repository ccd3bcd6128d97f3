"""Plain text from HTML, once a template: the HTML source becomes a text template with the same variables.

Jinja2's tokens are replaced by private-use characters (one each, so that they cannot be torn apart), the HTML is laid
out as text by inscriptis, and the tokens are put back. Converting the template, not each message, costs nothing while
sending and can never trip over a customer's value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from inscriptis import Inscriptis
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_properties import Display
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from jinja2 import Environment
from lxml.etree import LxmlError  # type: ignore[import-untyped]
from lxml.html import fromstring  # type: ignore[import-untyped]

#: Supplementary Private Use Area-A: 65 534 characters that no text has and that XML allows.
_FIRST_PLACEHOLDER = 0xF0000
_MAX_TOKENS = 65_000
_PLACEHOLDER = re.compile("[\U000f0000-\U000ffffd]")
_TRIM_BEGIN = re.compile(r"^(\{[{%])[-+]")
_TRIM_END = re.compile(r"[-+]([%}]\})$")
#: Tags that may be lost with the attribute, comment or style sheet that they stand in.
_LOSABLE = re.compile(r"\{%\s*(?:if|elif|else|endif|for|endfor|block|endblock|include)\b")
#: Tags that are no text themselves.
_CONTROL_TAG = re.compile(r"\{%\s*(?:if|elif|else|endif|for|endfor|set|extends|import|from)\b")
#: A tag that is not closed yet, outside of its attributes' values.
_INSIDE_TAG = re.compile(r"""</?[A-Za-z][^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*""")
_WHOLE_PAGE = re.compile("<(?:html|body|!doctype)", re.IGNORECASE)
#: Stands at the ends of a fragment while it is laid out.
_END = "\U0010fffd"
#: What would be a token of Jinja2 if it were put into a template as it is.
_TOKEN_LIKE = re.compile(r"\{(?=[{%#])")


class CannotConvert(Exception):
    """This HTML cannot be turned into text by itself; the text says why."""


@dataclass(frozen=True, kw_only=True)
class _Token:
    text: str
    line: int
    #: `{% ... %}`: it must keep its place among the others. `{{ ... }}` may be dropped, in an attribute for example.
    is_block: bool


def text_from_html(source: str, environment: Environment, *, fragment: bool = False) -> str:
    """The source of a text template made from the source of an HTML template; raises CannotConvert.

    A `fragment` (an included file) keeps the blank lines at its ends that it has as HTML.
    """
    if _PLACEHOLDER.search(source) or _END in source:
        raise CannotConvert("it has characters of the private use area (U+F0000 and up)")
    html, tokens = _protect(source, environment)
    ends = fragment and not _WHOLE_PAGE.search(html)
    text = _layout(f"{_END}{html}{_END}" if ends else html)
    text = _TOKEN_LIKE.sub("{{ '{' }}", text)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n")))
    text = text.strip(_END) if ends else text.strip("\n") + "\n"
    _check_blocks([ord(found) - _FIRST_PLACEHOLDER for found in _PLACEHOLDER.findall(text)], tokens)
    return _restored(text, tokens)


def _protect(source: str, environment: Environment) -> tuple[str, list[_Token]]:
    """The HTML with one private-use character for each token, and the tokens by that character's number."""
    html: list[str] = []
    tokens: list[_Token] = []
    token: list[str] = []
    open_tag = ""
    for line, kind, value in environment.lex(source):
        if kind in ("raw_begin", "raw_end") or kind.startswith("comment"):
            continue  # raw text is escaped again above, where it is needed
        if kind == "data":
            html.append(value)
            open_tag = "<" + (open_tag + value).rpartition("<")[2] if "<" in open_tag + value else ""
            continue
        token.append(value)
        if kind in ("variable_end", "block_end"):
            # `<p{% if x %} class="a"{% endif %}>`: between attributes it would become a part of a name.
            html.append(" " if _INSIDE_TAG.fullmatch(open_tag) else chr(_FIRST_PLACEHOLDER + len(tokens)))
            # "-" has already eaten the white space in the HTML; the text has white space of its own.
            text = _TRIM_END.sub(r"\1", _TRIM_BEGIN.sub(r"\1", "".join(token).rstrip("\n")))
            tokens.append(_Token(text=text, line=line, is_block=kind == "block_end"))
            token = []
    if len(tokens) > _MAX_TOKENS:
        raise CannotConvert(f"it has more than {_MAX_TOKENS} Jinja2 tokens")
    return "".join(html), tokens


def _restored(text: str, tokens: list[_Token]) -> str:
    """The text with its tokens back. A line of nothing but `{% if ... %}` and the like leaves no line in the mail."""
    restored: list[str] = []
    after_blank, after_tags = True, False
    for line in text.splitlines(keepends=True):
        blank = not line.strip()
        there = [tokens[ord(found) - _FIRST_PLACEHOLDER].text for found in _PLACEHOLDER.findall(line)]
        if there and not _PLACEHOLDER.sub("", line).strip() and all(map(_CONTROL_TAG.match, there)):
            restored += there
            after_tags = True
            continue
        if not (blank and after_tags and after_blank):
            restored.append(_PLACEHOLDER.sub(lambda found: tokens[ord(found[0]) - _FIRST_PLACEHOLDER].text, line))
        after_blank, after_tags = blank, False
    return "".join(restored)


def _check_blocks(seen: list[int], tokens: list[_Token]) -> None:
    """Refuse a text in which `{% ... %}` tokens have changed places or are lost where they mattered."""
    blocks = [number for number in seen if tokens[number].is_block]
    for earlier, later in pairwise(blocks):
        if later <= earlier:
            raise CannotConvert(f"{tokens[later].text} (line {tokens[later].line}) would change its place")
    for number in sorted(set(range(len(tokens))) - set(seen)):
        token = tokens[number]
        if token.is_block and not _LOSABLE.match(token.text):
            raise CannotConvert(f"{token.text} (line {token.line}) stands where the text has nothing")


def _layout(html: str) -> str:
    if not html.strip():
        return ""
    try:
        # A stray declaration makes lxml refuse a str, and it is of no use here.
        tree = fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", html))
    except (LxmlError, ValueError) as error:
        raise CannotConvert(f"it is not HTML ({error})") from error
    return Inscriptis(tree, _config()).get_text()


def _config() -> ParserConfig:
    """Tables in a mail are there for layout: every row becomes a line, its cells words of it."""
    css = CSS_PROFILES["strict"].copy()
    for tag in ("table", "tbody", "thead", "tfoot", "tr"):
        css[tag] = HtmlElement(display=Display.block)
    for tag in ("td", "th"):
        css[tag] = HtmlElement(display=Display.inline)
    for tag in ("title", "style", "script", "head"):
        css[tag] = HtmlElement(display=Display.none)
    handlers = CustomHtmlTagHandlerMapping(
        start_tag_mapping={"table": _nothing, "tr": _nothing, "td": _nothing, "th": _nothing, "a": _link_begins},
        end_tag_mapping={"table": _nothing, "td": _cell_ends, "th": _cell_ends, "a": _link_ends},
    )
    return ParserConfig(css=css, display_links=True, custom_html_tag_handler_mapping=handlers)


def _nothing(*_: Any) -> None:
    pass


def _cell_ends(state: Any) -> None:
    state.tags[-1].write(" ")


def _link_begins(state: Any, attributes: Any) -> None:
    target = attributes.get("href", "").strip()
    state.link_target = "" if target.startswith("#") else target


def _link_ends(state: Any) -> None:
    """`Our shop <https://...>`: the form of RFC 3986 appendix C, which mail clients make clickable."""
    if state.link_target:
        state.tags[-1].write(f" <{state.link_target}>")
        state.link_target = ""
