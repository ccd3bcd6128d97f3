"""The picture of one pixel whose loading tells that a mail was opened.

It stands first in the body: Gmail shows 102 kB of a mail and does not load what stands behind. Nothing hides it,
because mail programs do not load hidden pictures; its alternative text is empty, so a mail without pictures shows
nothing.
"""

from __future__ import annotations

import re

from ses_ops.rendering.html.tokens import PLACEHOLDER, StartTag, html_tokens
from ses_ops.rendering.protected_source import Change, ProtectedSource

#: Stands for a message's token: a character of the private use area that no template has.
OPEN_MARK = "\U0010fff1"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_END_OF_HEAD = re.compile(r"</head[\t\n\f\r ]*>", re.IGNORECASE)
#: What may stand before a body without showing anything.
_BEFORE_BODY = re.compile(
    r"""\s+ | <!--.*?--> | <!doctype[^>]*> | <(?:html|head|meta|link|base)(?=[\s/>])[^>]*>
      | <(style|title|script)(?=[\s/>])[^>]*>.*?</\1\s*>""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
#: Tags of Jinja2 that put nothing out, and begin nothing.
_SILENT = re.compile(r"\{#|\{%[-+]?\s*(?:import\b|from\b|set\s[^%]*=)")
#: A body that may be in a file.
_MAY_HAVE_BODY = re.compile(r"<body(?=[\s/>])", re.IGNORECASE)


def pixel(public_url: str) -> str:
    """The picture, with a mark for the token. As a block it takes one pixel, and not a line of text."""
    source = f"{public_url}/o/{OPEN_MARK}.gif"
    return f'<img src="{source}" width="1" height="1" alt="" style="display:block;border:0">'


def has_body(source: str) -> bool:
    """Whether a file looks as if it had a `<body>`."""
    return _MAY_HAVE_BODY.search(source) is not None


def pixels_in_page(source: ProtectedSource, picture: str) -> list[Change]:
    """The picture behind each `<body>` (branches of a template may have one each), else before what shows first."""
    tokens = html_tokens(source.text, source.branches)
    places = [token.end for token in tokens if isinstance(token, StartTag) and token.name == "body"]
    return [Change(at, at, picture) for at in places or [_first_shown(source)]]


def _first_shown(source: ProtectedSource) -> int:
    text = _COMMENT.sub(lambda comment: " " * len(comment[0]), source.text)
    if heads := list(_END_OF_HEAD.finditer(text)):
        return heads[-1].end()
    at = 0
    while True:
        if found := _BEFORE_BODY.match(source.text, at):
            at = found.end()
        elif PLACEHOLDER.match(source.text, at) and _SILENT.match(source.tag(source.text[at])):
            at += 1
        else:
            return at
