"""The texts that a message brings along: compiled if they are templates, and left as they are if not.

A source that programs send again and again, each time with other values, is compiled once: compiling takes some
milliseconds, filling in 20 us. What has nothing of Jinja2 in it is never compiled (plain_parts.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from ses_ops.domain.single_message import SingleMessage
from ses_ops.errors import InvalidInput
from ses_ops.rendering.compiled_part import CompiledPart, wrap_jinja_error
from ses_ops.rendering.environment import COMPILE_ERRORS, make_environment
from ses_ops.rendering.given_text import OF_MESSAGE, escaped_source, has_code, with_line_feeds
from ses_ops.rendering.mail_parts import MailSource, Parts
from ses_ops.rendering.plain_parts import MAX_LAYOUT, PlainPart, plain_parts
from ses_ops.rendering.quoted_printable import BodyEncoder
from ses_ops.rendering.remembered import Remembered
from ses_ops.rendering.template import HTML, SUBJECT, TEXT, MailTemplate, load_template
from ses_ops.rendering.template_loader import InsideLoader
from ses_ops.rendering.template_place import RenderingLimits, StoredFiles

if TYPE_CHECKING:
    from ses_ops.rendering.body_part import BodyPart
    from ses_ops.rendering.tracking import TrackedParts

#: The bounds of a template that a message brings along. It is read and filled in by the process that answers all
#: others: a receipt of 1 000 rows takes a half of these units, and 10 000 characters are compiled in 0.1 s.
INLINE = RenderingLimits(work=3_000_000, seconds=0.25, code=10_000)
#: Characters of a text with variables. A line break in it costs 1.5 us, however little stands between two of them.
MAX_COMPILED = 300_000
#: Characters of all sources that are remembered, and their number.
_REMEMBERED = {"characters": 4_000_000, "most": 300}

_sources: Remembered[MailSource] = Remembered(**_REMEMBERED)
_plain: Remembered[Parts] = Remembered(**_REMEMBERED)
_subjects: Remembered[BodyPart] = Remembered(**_REMEMBERED)


def own_parts(message: SingleMessage, tracked: TrackedParts | None, key: Hashable) -> Parts:
    """The parts of a message without a template; `key` is that of `tracked`. Raises TemplateError, InvalidInput."""
    text, html, language = message.text, message.html, message.unsubscribe
    size = len(text or "") + len(html or "")
    known = (text, html, language, key)
    if (found := _plain.known(known)) is None and (made := plain_parts(text, html, language, tracked)) is not None:
        found = _plain.get(known, size, lambda: made)
    if found is not None:
        return found
    if text is None and html is not None and len(html) > MAX_LAYOUT:
        raise InvalidInput("html_needs_text", most=MAX_LAYOUT, field="text")
    if not message.verbatim:
        _check_length(text=text, html=html)
    texts = (text, html, message.verbatim)
    return _sources.get(texts, size, lambda: MailSource(_own_template(*texts))).parts(language, tracked, key)


def _check_length(**texts: str | None) -> None:
    """Refuse what would be compiled for seconds, while all others wait."""
    for field, source in texts.items():
        if source is not None and len(source) > MAX_COMPILED and has_code(source):
            raise InvalidInput("own_text_too_long", most=MAX_COMPILED, field=field)


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
        return PlainPart(source, SUBJECT)
    return _subjects.get(source, len(source), lambda: _subject(source))


def _subject(source: str) -> CompiledPart:
    place = StoredFiles(files={f"{OF_MESSAGE}/{SUBJECT}": source}, limits=INLINE)
    environment = make_environment(InsideLoader(place))
    try:
        compiled = environment.get_template(f"{OF_MESSAGE}/{SUBJECT}")
    except COMPILE_ERRORS as error:
        raise wrap_jinja_error(error, template=OF_MESSAGE, part=SUBJECT) from error
    return CompiledPart(compiled, source=source, template_name=OF_MESSAGE, part=SUBJECT)
