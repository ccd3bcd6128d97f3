"""The parts of a single message before they are MIME, made once of a template for all messages of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ses_ops.domain.template_variables import UNSUBSCRIBE_URL
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.rendering.body_part import BodyPart
from ses_ops.rendering.fill import CLICK_TOKEN, OPEN_TOKEN, Bodies, bodies_of
from ses_ops.rendering.own_link import with_footer
from ses_ops.rendering.quoted_printable import BodyEncoder
from ses_ops.rendering.template import MailTemplate
from ses_ops.rendering.tracking import TrackedParts, tracked_template


class Parts(NamedTuple):
    """Text and HTML of a message, with footers, and whether they differ from recipient to recipient."""

    text: BodyPart
    html: BodyPart | None
    #: Of tracked mail: the targets of its links, and whether it has a pixel.
    targets: tuple[str, ...]
    has_pixel: bool
    #: Makes both bodies; raises InvalidInput or TemplateError.
    bodies: Bodies
    #: The variables that they need, the unsubscribe link not among them.
    variables: frozenset[str]


class MailSource:
    """A template, or the texts of messages, with the parts that were made of it."""

    def __init__(self, template: MailTemplate) -> None:
        self.template = template
        self._parts: dict[object, Parts] = {}

    def parts(self, language: UnsubscribeLanguage, tracked: TrackedParts | None, key: object) -> Parts:
        """The parts with the footer of a language and with what is tracked; `key` is equal for equal `tracked`."""
        found = self._parts.get((language, key))
        if found is None:
            if len(self._parts) >= 64:
                self._parts.clear()
            found = self._parts[language, key] = _parts(self.template, language, tracked)
        return found


def _parts(template: MailTemplate, language: UnsubscribeLanguage, tracked: TrackedParts | None) -> Parts:
    targets: tuple[str, ...] = ()
    has_pixel = False
    variables = template.variables_for()
    ready: set[str] = set()
    if tracked is not None:
        template, targets, has_pixel = tracked_template(template, tracked)
        ready |= {CLICK_TOKEN, OPEN_TOKEN}
    text: BodyPart = template.text
    html: BodyPart | None = template.html
    if language is not UnsubscribeLanguage.NONE:
        text, html = with_footer(template, language)
        ready.add(UNSUBSCRIBE_URL)
    return Parts(text, html, targets, has_pixel, bodies_maker(text, html, ready), variables)


def bodies_maker(text: BodyPart, html: BodyPart | None, ready: set[str]) -> Bodies:
    """The function that makes the bodies in quoted-printable: the text, and the HTML if there is one."""
    parts = [("text", text), ("HTML", html)] if html is not None else [("text", text)]

    def one_by_one(values: Mapping[str, Any]) -> Sequence[bytes]:
        encoder = BodyEncoder()
        return [encoder.encode(part.pieces(values), name) for name, part in parts]

    steps = [(part.steps, part.finish) for _, part in parts if part.steps is not None]
    if len(steps) < len(parts):
        return one_by_one
    try:
        together = bodies_of(steps, ready=ready)
    except Exception:  # a text that only a whole body can mend (a CR in it)
        return one_by_one

    def bodies(values: Mapping[str, Any]) -> Sequence[bytes]:
        try:
            return together(values)
        except Exception:
            # Made the long way, or told what is wrong with it.
            return one_by_one(values)

    return bodies
