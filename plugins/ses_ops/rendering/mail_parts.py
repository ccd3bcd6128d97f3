"""The parts of a single message before they are MIME: compiled once for all messages that have the same source.

What is no template is never compiled. A source that programs send again and again, each time with other values, is
compiled once: compiling takes a millisecond, filling in 20 us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ses_ops.domain.single_message import SingleMessage
from ses_ops.domain.template_variables import UNSUBSCRIBE_URL
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.rendering.compiled_part import CompiledPart, wrap_jinja_error
from ses_ops.rendering.constant_text import ConstantText, escaped_source, has_code, with_line_feeds
from ses_ops.rendering.environment import COMPILE_ERRORS, make_environment
from ses_ops.rendering.fill import CLICK_TOKEN, OPEN_TOKEN, Bodies, bodies_of
from ses_ops.rendering.message import BodyPart
from ses_ops.rendering.own_link import with_footer
from ses_ops.rendering.quoted_printable import BodyEncoder
from ses_ops.rendering.remembered import Remembered
from ses_ops.rendering.template import HTML, SUBJECT, TEXT, MailTemplate, load_template
from ses_ops.rendering.template_loader import InsideLoader
from ses_ops.rendering.template_place import Place, RenderingLimits, StoredFiles
from ses_ops.rendering.tracking import TrackedParts, tracked_template

#: What the texts of a message are called in errors, in the place of a template's name.
OF_MESSAGE = "message"
#: The bounds of a template that a message brings along. It is read and filled in by the process that answers all
#: others: a receipt of 1 000 rows takes a half of these units, and 10 000 characters are compiled in 0.1 s.
INLINE = RenderingLimits(work=3_000_000, seconds=0.25, code=10_000)
#: Characters of all sources that are remembered, and their number.
_REMEMBERED = {"characters": 4_000_000, "most": 300}


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


# --- of a message's own texts

_sources: Remembered[MailSource] = Remembered(**_REMEMBERED)
_subjects: Remembered[BodyPart] = Remembered(**_REMEMBERED)


def own_source(message: SingleMessage) -> MailSource:
    """The source of a message without a template; raises TemplateError for what does not compile."""
    text, html = message.text, message.html
    key = (text, html, message.verbatim)
    return _sources.get(key, len(text or "") + len(html or ""), lambda: MailSource(_own_template(*key)))


def is_plain(message: SingleMessage) -> bool:
    """Whether the message has a text or HTML of its own, and needs no template made of them."""
    if message.template is not None or message.text is None:
        return False
    return message.verbatim or not (has_code(message.text) or (message.html and has_code(message.html)))


def plain_bodies(message: SingleMessage) -> Sequence[bytes]:
    """The bodies of a message that `is_plain`."""
    encoder = BodyEncoder()
    texts = (("text", message.text), ("HTML", message.html))
    return [encoder.encode([with_line_feeds(text)], name) for name, text in texts if text is not None]


def _own_template(text: str | None, html: str | None, verbatim: bool) -> MailTemplate:
    files = {SUBJECT: "-"}
    for name, source in ((TEXT, text), (HTML, html)):
        if source is not None:
            files[name] = escaped_source(source) if verbatim else source
    place = StoredFiles(files={f"{OF_MESSAGE}/{name}": source for name, source in files.items()}, limits=INLINE)
    return load_template(place, OF_MESSAGE)


def subject_part(source: str, *, verbatim: bool) -> BodyPart:
    """A message's own subject, compiled; raises TemplateError."""
    if verbatim or not has_code(source):
        return ConstantText(source, template_name=OF_MESSAGE, part=SUBJECT)
    return _subjects.get(source, len(source), lambda: _subject(source))


def _subject(source: str) -> CompiledPart:
    place: Place = StoredFiles(files={f"{OF_MESSAGE}/{SUBJECT}": source}, limits=INLINE)
    environment = make_environment(InsideLoader(place))
    try:
        compiled = environment.get_template(f"{OF_MESSAGE}/{SUBJECT}")
    except COMPILE_ERRORS as error:
        raise wrap_jinja_error(error, template=OF_MESSAGE, part=SUBJECT) from error
    return CompiledPart(compiled, source=source, template_name=OF_MESSAGE, part=SUBJECT)
