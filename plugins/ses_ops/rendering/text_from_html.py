"""Plain text from HTML, once a template: the HTML source becomes a text template with the same variables.

Jinja2's tokens are replaced by private-use characters (one each, so that they cannot be torn apart), the HTML is laid
out as text (`html.layout`), and the tokens are put back. Converting the template, not each message, costs nothing while
sending and can never trip over a customer's value. Only a value that the template declares to be HTML (`| safe`) is
converted for each message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from jinja2 import Environment

from ses_ops.errors import Explanation
from ses_ops.rendering.html.layout import HtmlLayout
from ses_ops.rendering.html.tokens import FIRST_PLACEHOLDER, PLACEHOLDER, Branch
from ses_ops.rendering.html.values import as_text

_MAX_TOKENS = 65_000
_TRIM_BEGIN = re.compile(r"^(\{[{%])[-+]")
_TRIM_END = re.compile(r"[-+]([%}]\})$")
#: Tags that may be lost with the attribute, comment or style sheet that they stand in.
_LOSABLE = re.compile(r"\{%\s*(?:if|elif|else|endif|for|endfor|block|endblock|include)\b")
#: Tags that are no text themselves.
_CONTROL_TAG = re.compile(r"\{%\s*(?:if|elif|else|endif|for|endfor|set|extends|import|from)\b")
_BRANCH = re.compile(r"\{%\s*(?:(?P<begins>if|for)|(?P<turns>elif|else)|(?P<ends>endif|endfor))\b")
_AUTOESCAPE = re.compile(r"\{%\s*(?:end)?autoescape\b")
_SETS_HTML = re.compile(r"\{%.*\|\s*(?:safe|e|escape|forceescape|urlize)\b", re.DOTALL)
#: Tags that give a name to what the template itself makes: in a text part that is text already.
_NAMES_TEXT = re.compile(
    r"\{%\s*(?:set\s+(?P<set>\w+)\s*(?:\|[^=]*)?%\}|macro\s+(?P<macro>\w+)|import\b.*\bas\s+(?P<module>\w+)"
    r"|from\b.*?\bimport\b(?P<imported>.*))",
    re.DOTALL,
)
_WHOLE_PAGE = re.compile("<(?:html|body|!doctype)", re.IGNORECASE)
#: Stands at the ends of a fragment while it is laid out.
END = "\U0010fffd"
#: What would be a token of Jinja2 if it were put into a template as it is.
_TOKEN_LIKE = re.compile(rf"\{{(?=[{{%#]|{PLACEHOLDER.pattern})")


class CannotConvert(Exception):
    """This HTML cannot be turned into text by itself; the text says why."""


@dataclass(frozen=True, kw_only=True)
class _Token:
    text: str
    #: The same where it stands in an attribute's value.
    in_attribute: str
    line: int
    #: `{% ... %}`: it must keep its place among the others. `{{ ... }}` may be dropped, in an attribute for example.
    is_block: bool


def text_from_html(source: str, environment: Environment, *, fragment: bool = False) -> str:
    """The source of a text template made from the source of an HTML template; raises CannotConvert.

    A `fragment` (an included file) keeps the blank lines at its ends that it has as HTML.
    """
    if PLACEHOLDER.search(source) or END in source:
        raise CannotConvert(Explanation("private_use_characters").sentence)
    html, tokens = _protect(source, environment)
    ends = fragment and not _WHOLE_PAGE.search(html)
    seen: set[int] = set()
    text = _layout(f"{END}{html}{END}" if ends else html, tokens, seen)
    text = _TOKEN_LIKE.sub("{{ '{' }}", text)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n")))
    text = text.strip(END) if ends else text.strip("\n") + "\n"
    _check_blocks([ord(found) - FIRST_PLACEHOLDER for found in PLACEHOLDER.findall(text)], seen, tokens)
    return _restored(text, tokens)


def _protect(source: str, environment: Environment) -> tuple[str, list[_Token]]:
    """The HTML with one private-use character for each token, and the tokens by that character's number."""
    html: list[str] = []
    tokens: list[_Token] = []
    token: list[tuple[str, str]] = []
    escapes = [True]
    has_html_variables = False
    texts = {"caller", "self", "super"}
    for line, kind, value in environment.lex(source):
        if kind in ("raw_begin", "raw_end") or kind.startswith("comment"):
            continue  # raw text is escaped again above, where it is needed
        if kind == "data":
            html.append(value)
            continue
        token.append((kind, value))
        if kind not in ("variable_end", "block_end"):
            continue
        # "-" has already eaten the white space in the HTML; the text has white space of its own.
        written = "".join(value for _, value in token).rstrip("\n")
        text = in_attribute = _TRIM_END.sub(r"\1", _TRIM_BEGIN.sub(r"\1", written))
        has_html_variables = has_html_variables or bool(_SETS_HTML.match(text))
        if kind == "variable_end":
            text, in_attribute = (
                as_text(token, text, texts, is_escaped=escapes[-1], may_be_html=has_html_variables, in_attribute=inside)
                for inside in (False, True)
            )
        elif found := _NAMES_TEXT.match(text):
            texts.update(re.findall(r"\w+", " ".join(filter(None, found.groups()))))
        token = []
        if kind == "block_end" and _AUTOESCAPE.match(text):
            escapes = _escaping(text, escapes)
            continue
        html.append(chr(FIRST_PLACEHOLDER + len(tokens)))
        tokens.append(_Token(text=text, in_attribute=in_attribute, line=line, is_block=kind == "block_end"))
    if len(tokens) > _MAX_TOKENS:
        raise CannotConvert(Explanation("too_many_tokens", most=_MAX_TOKENS).sentence)
    return "".join(html), tokens


def _escaping(text: str, escapes: list[bool]) -> list[bool]:
    """Whether values are escaped, in each of the `{% autoescape %}` around a place. Text itself is never escaped."""
    if "endautoescape" in text:
        return escapes[:-1] or [True]
    return [*escapes, re.search(r"\b[Ff]alse\b", text) is None]


def _restored(text: str, tokens: list[_Token]) -> str:
    """The text with its tokens back. A line of nothing but `{% if ... %}` and the like leaves no line in the mail."""
    restored: list[str] = []
    after_blank, after_tags = True, False
    for line in text.splitlines(keepends=True):
        blank = not line.strip()
        there = [tokens[ord(found) - FIRST_PLACEHOLDER].text for found in PLACEHOLDER.findall(line)]
        if there and not PLACEHOLDER.sub("", line).strip() and all(map(_CONTROL_TAG.match, there)):
            restored += there
            after_tags = True
            continue
        if not (blank and after_tags and after_blank):
            restored.append(PLACEHOLDER.sub(lambda found: tokens[ord(found[0]) - FIRST_PLACEHOLDER].text, line))
        after_blank, after_tags = blank, False
    return "".join(restored)


def _check_blocks(places: list[int], seen: set[int], tokens: list[_Token]) -> None:
    """Refuse a text in which `{% ... %}` tokens have changed places or are lost where they mattered."""
    blocks = [number for number in places if tokens[number].is_block]
    for earlier, later in pairwise(blocks):
        if later <= earlier:
            raise CannotConvert(
                Explanation("token_would_move", token=tokens[later].text, line=tokens[later].line).sentence
            )
    for number in sorted(set(range(len(tokens))) - seen.union(places)):
        token = tokens[number]
        if token.is_block and not _LOSABLE.match(token.text):
            raise CannotConvert(Explanation("token_without_text", token=token.text, line=token.line).sentence)


def _layout(html: str, tokens: list[_Token], seen: set[int]) -> str:
    """The text, in which an attribute's value with blocks is one new token. Those in it are added to `seen`."""
    branches: dict[str, Branch] = {}
    needed = set()
    for number, token in enumerate(tokens):
        if found := _BRANCH.match(token.text):
            kind: Branch = "begins" if found["begins"] else "turns" if found["turns"] else "ends"
            branches[chr(FIRST_PLACEHOLDER + number)] = kind
        elif token.is_block and not _LOSABLE.match(token.text):
            needed.add(chr(FIRST_PLACEHOLDER + number))

    def attribute(value: str) -> str:
        numbers = [ord(found) - FIRST_PLACEHOLDER for found in PLACEHOLDER.findall(value)]
        inside = [tokens[number] for number in numbers]
        if not any(token.is_block or token.in_attribute != token.text for token in inside):
            return value
        if len(tokens) > _MAX_TOKENS:
            raise CannotConvert(Explanation("too_many_tokens", most=_MAX_TOKENS).sentence)
        seen.update(numbers)
        text = _TOKEN_LIKE.sub("{{ '{' }}", value)
        text = PLACEHOLDER.sub(lambda found: tokens[ord(found[0]) - FIRST_PLACEHOLDER].in_attribute, text)
        tokens.append(_Token(text=text, in_attribute=text, line=inside[0].line, is_block=False))
        return chr(FIRST_PLACEHOLDER + len(tokens) - 1)

    return HtmlLayout(branches, frozenset(needed), attribute).text(html)
