"""The parts of a message without anything of Jinja2 in them: footers, pixel and tracked links are put in without it.

Programs that fill their own texts in send another HTML with each message. Compiled as a template each would take 5 to
15 ms of the process that answers all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import DictLoader

from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import TemplateError
from ses_ops.rendering.environment import MailEnvironment, make_environment
from ses_ops.rendering.fill import CLICK_TOKEN, OPEN_TOKEN, Convert, Step, Value
from ses_ops.rendering.given_text import OF_MESSAGE, has_code, with_line_feeds
from ses_ops.rendering.mail_parts import Parts
from ses_ops.rendering.own_link import FooterPart, footers
from ses_ops.rendering.protected_source import ProtectedSource
from ses_ops.rendering.quick_text import quick_text
from ses_ops.rendering.quoted_printable import BodyEncoder
from ses_ops.rendering.template import HTML, TEXT
from ses_ops.rendering.text_from_html import CannotConvert, text_from_html
from ses_ops.rendering.tracked_links import CLICK_MARK, changes_in_html, changes_in_text
from ses_ops.rendering.tracking_pixel import OPEN_MARK, pixel, pixels_in_page

if TYPE_CHECKING:
    from ses_ops.rendering.body_part import BodyPart
    from ses_ops.rendering.tracking import TrackedParts

#: Characters of HTML of which a text is made with care: as many as Gmail shows of a mail, and a fifth of a second.
MAX_LAYOUT = 200_000
_TOKENS = {CLICK_MARK: CLICK_TOKEN, OPEN_MARK: OPEN_TOKEN}
_AT_MARKS = re.compile(f"([{CLICK_MARK}{OPEN_MARK}])")


class PlainPart:
    """Texts, and tokens between; it gives what `CompiledPart` gives."""

    finish: Convert | None = None

    def __init__(self, text: str, part: str) -> None:
        """`text` has a mark for each token."""
        self.part = part
        self.steps: tuple[Step, ...] | None = tuple(_steps(text))

    def pieces(self, values: Mapping[str, Any]) -> list[str]:
        """See CompiledPart."""
        assert self.steps is not None
        return [step if isinstance(step, str) else values[step.name] for step in self.steps]

    def render(self, values: Mapping[str, Any]) -> str:
        """See CompiledPart."""
        return "".join(self.pieces(values))

    def error(self, code: str, /, **facts: Any) -> TemplateError:
        """See CompiledPart."""
        return TemplateError(code, **{**facts, "template": OF_MESSAGE, "part": self.part})


def _steps(text: str) -> Iterator[Step]:
    for piece in _AT_MARKS.split(text):
        if piece in _TOKENS:
            yield Value(name=_TOKENS[piece], filters=())
        elif piece:
            yield piece


def plain_parts(
    text: str | None, html: str | None, language: UnsubscribeLanguage, tracked: TrackedParts | None
) -> Parts | None:
    """The parts of texts that have no code; None when they have to be compiled all the same.

    Raises TemplateError for HTML of which no text can be made.
    """
    if any(has_code(one) for one in (text, html) if one):
        return None
    text, html = (None if one is None else with_line_feeds(one) for one in (text, html))
    if text is None:
        assert html is not None
        made = quick_text(html) if len(html) > MAX_LAYOUT else _source_of(html)
        if made is None:
            return None
        text = made
    marked = any(_AT_MARKS.search(one) for one in (text, html) if one)
    targets: tuple[str, ...] = ()
    if tracked is not None and not marked:
        html = None if html is None else _tracked_html(html, tracked)
        if tracked.links is not None:
            protected = ProtectedSource(text, _environment())
            text = protected.changed(changes_in_text(protected, tracked.links))
            targets = tuple(tracked.links.targets)
    elif marked:
        return None
    has_pixel = tracked is not None and tracked.opens and html is not None
    # A template ends without the line break at the end of its file.
    of_text: BodyPart = PlainPart(text.removesuffix("\n"), TEXT)
    of_html: BodyPart | None = None if html is None else PlainPart(html.removesuffix("\n"), HTML)
    if language is not UnsubscribeLanguage.NONE:
        html_footer, text_footer = footers(language)
        of_text = FooterPart(of_text, text_footer, is_html=False)
        of_html = None if of_html is None else FooterPart(of_html, html_footer, is_html=True)
    return Parts(of_text, of_html, targets, has_pixel, _bodies(of_text, of_html), frozenset())


def _bodies(text: BodyPart, html: BodyPart | None) -> Any:
    parts = [("text", text)] + ([("HTML", html)] if html is not None else [])

    def bodies(values: Mapping[str, Any]) -> Sequence[bytes]:
        # Nothing is remembered: hundreds of these are kept, each mostly for one message.
        encoder = BodyEncoder()
        return [encoder.encode(part.pieces(values), name) for name, part in parts]

    return bodies


def _tracked_html(html: str, tracked: TrackedParts) -> str:
    protected = ProtectedSource(html, _environment())
    changes = changes_in_html(protected, tracked.links) if tracked.links else []
    if tracked.opens:
        changes += pixels_in_page(protected, pixel(tracked.public_url))
    return protected.changed(changes)


def _source_of(html: str) -> str | None:
    """The text of the HTML; None where only a template can write it (a text with `{{`)."""
    try:
        text = text_from_html(html, _environment())
        return None if has_code(text) else text
    except CannotConvert as error:
        raise TemplateError("html_not_converted", why=error, template=OF_MESSAGE, part=HTML) from error


@cache
def _environment() -> MailEnvironment:
    """An environment that only takes texts apart."""
    return make_environment(DictLoader({}))
