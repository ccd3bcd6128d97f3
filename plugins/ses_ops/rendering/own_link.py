"""The link to the own unsubscribe page: in headers, in bodies, and in the footer of a template without it.

All but the token is the same in every message of a task. So the link does not go through a template's engine: its page
is encoded once, a token needs no encoding (hexadecimal digits), and both are put together.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.template_variables import UNSUBSCRIBE_URL
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.rendering.fill import READY_LINK, Choice, Convert, Step, Value
from ses_ops.rendering.quoted_printable import SOFT_BREAK, encode_piece
from ses_ops.rendering.template import MailTemplate

if TYPE_CHECKING:
    from ses_ops.errors import TemplateError
    from ses_ops.rendering.body_part import BodyPart

#: The token of a message that nobody gets, as in a preview: as long as any other, and none.
NO_TOKEN = "0" * 56
_FOOTERS = Path(__file__).with_name("unsubscribe_footers.toml")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_END_OF_BODY = re.compile(r"</body\s*>", re.IGNORECASE)
_END_OF_PAGE = re.compile(r"</html\s*>", re.IGNORECASE)
_STYLE = (
    "margin:24px 0 0;padding:12px 16px;border-top:1px solid #d0d0d0;"
    "font:12px/1.5 Arial,Helvetica,sans-serif;color:#666666;text-align:center"
)


class Footer(NamedTuple):
    """What stands before and after the link in a body."""

    before: str
    after: str


class OwnLink:
    """The link of a task's messages, each with its token."""

    def __init__(self, page: str, *, mailbox_domain: str | None = None) -> None:
        """`page` is the address up to the token, of characters that need no encoding; `mailbox_domain` that of
        `u-TOKEN@...`, where a mail unsubscribes, too."""
        self._page = page
        self._encoded_page = encode_piece(page).decode("ascii")
        self._after = SOFT_BREAK.decode("ascii")
        self._mailbox = f"@{mailbox_domain}?subject=unsubscribe>" if mailbox_domain else ""
        #: Only https has one-click unsubscription (RFC 8058 3.1).
        self.one_click = page[:8].lower() == "https://"

    def placed(self, values: Mapping[str, str], token: str) -> tuple[dict[str, str], bytes]:
        """The values with the link, as it is and encoded for a body, and the value of List-Unsubscribe.

        The header (RFC 2369 3.2) is folded between two addresses, never in one.
        """
        link = self._page + token
        found = {**values, UNSUBSCRIBE_URL: link, READY_LINK: self._encoded_page + token + self._after}
        if self._mailbox:
            return found, f"<{link}>,\r\n <mailto:u-{token}{self._mailbox}".encode("ascii")
        return found, f"<{link}>".encode("ascii")


class FooterPart:
    """A part of a template with the footer; it gives what `CompiledPart` gives."""

    def __init__(self, part: BodyPart, footer: Footer, *, is_html: bool) -> None:
        self._part, self._footer, self._is_html = part, footer, is_html
        self.finish: Convert | None = part.finish
        #: None when only Jinja2 can render the part, or an `if` has the end of the body in it.
        self.steps: tuple[Step, ...] | None = None if part.steps is None else self._with_footer(part.steps)

    def pieces(self, values: Mapping[str, str]) -> list[str]:
        """See CompiledPart."""
        pieces = self._part.pieces(values)
        footer = (self._footer.before, values[UNSUBSCRIBE_URL], self._footer.after)
        if self._is_html:
            for number in range(len(pieces) - 1, -1, -1):
                # str: a value may be a Markup.
                if (cut := _end_of_body(str(pieces[number]))) is not None:
                    piece = str(pieces[number])
                    return [*pieces[:number], piece[:cut], *footer, piece[cut:], *pieces[number + 1 :]]
            return [*pieces, *footer]
        return [*pieces, _blank_line("".join(pieces[-2:])), *footer]

    def render(self, values: Mapping[str, str]) -> str:
        """See CompiledPart."""
        try:
            return "".join(self.pieces(values))
        except TypeError as cause:
            raise self._part.error("value_not_a_text") from cause

    def error(self, code: str, /, **facts: Any) -> TemplateError:
        """See CompiledPart."""
        return self._part.error(code, **facts)

    def _with_footer(self, steps: tuple[Step, ...]) -> tuple[Step, ...] | None:
        footer = (self._footer.before, Value(name=UNSUBSCRIBE_URL, filters=()), self._footer.after)
        last = steps[-1] if steps else ""
        if not self._is_html:
            return (*steps, _blank_line(last if isinstance(last, str) else ""), *footer)
        if any(isinstance(step, Choice) and _has_end(step) for step in steps):
            return None
        for number in range(len(steps) - 1, -1, -1):
            step = steps[number]
            if isinstance(step, str) and (cut := _end_of_body(step)) is not None:
                return (*steps[:number], step[:cut], *footer, step[cut:], *steps[number + 1 :])
        return (*steps, *footer)


def with_footer(template: MailTemplate, language: UnsubscribeLanguage) -> tuple[BodyPart, BodyPart | None]:
    """The text part and the HTML part of a template, each with the footer unless it shows the link itself."""
    html, text = footers(language)
    of_text = template.text if template.link_in_text else FooterPart(template.text, text, is_html=False)
    if template.html is None or template.link_in_html:
        return of_text, template.html
    return of_text, FooterPart(template.html, html, is_html=True)


@cache
def footers(language: UnsubscribeLanguage) -> tuple[Footer, Footer]:
    """The footers of an HTML and of a text body in a language; raises KeyError for none."""
    words = tomllib.loads(_FOOTERS.read_text(encoding="utf-8"))[language.value]
    sentence, link = words["sentence"], words["link"]
    opened = f'<div lang="{language}" dir="{words.get("dir", "ltr")}" style="{_STYLE}">{escape(sentence)} <a href="'
    closed = f'" style="color:#666666;text-decoration:underline">{escape(link)}</a></div>\n'
    return Footer(opened, closed), Footer(f"{sentence}\n{link}: ", "\n")


def _end_of_body(html: str) -> int | None:
    """Where the body ends; None when it does not end here."""
    shown = _COMMENT.sub(lambda comment: " " * len(comment[0]), html) if "<!--" in html else html
    for pattern in (_END_OF_BODY, _END_OF_PAGE):
        if found := [match.start() for match in pattern.finditer(shown)]:
            return found[-1]
    return None


def _has_end(step: Step) -> bool:
    if isinstance(step, Choice):
        return any(map(_has_end, (*step.then, *step.otherwise)))
    return isinstance(step, str) and _end_of_body(step) is not None


def _blank_line(before: str) -> str:
    """What makes a blank line of the end of a text."""
    return "" if before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
