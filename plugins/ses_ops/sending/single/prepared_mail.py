"""A single message that can be sent: its mail is rendered, and its bytes are made when a place in the ledger is known.

`prepare` refuses whatever would make the mail of a recipient impossible, before anything is accepted: an unknown
template, a missing variable, a mail that is too large.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from ses_ops.domain.bulk_headers import single_headers
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.single_message import SingleMessage
from ses_ops.domain.template_variables import MISSING, UNSUBSCRIBE_URL, recipient_values
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.errors import InvalidInput, SesError, TemplateError
from ses_ops.events.link_tokens import LinkMaker
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.rendering.body_part import BodyPart
from ses_ops.rendering.given_text import OF_MESSAGE
from ses_ops.rendering.mail_parts import MailSource, Parts
from ses_ops.rendering.own_link import OwnLink
from ses_ops.rendering.own_texts import is_plain, own_parts, subject_part
from ses_ops.rendering.single_mail import MailFrame, MailTokens, SingleMail
from ses_ops.rendering.tracked_links import Links
from ses_ops.rendering.tracking import TrackedParts
from ses_ops.sending.chunk.made_messages import check_of
from ses_ops.sending.task_renderer import RendererExtras

#: Which field of a request an error of its own text is of.
_FIELDS = {"subject.txt": "subject", "body.txt": "text", "body.html": "html", "text of body.html": "html"}
_NOTHING = MailTokens()
#: What Jinja2 says of a variable without a value.
_UNDEFINED = re.compile(r"'(\w+)' is undefined")


class FoundTemplate(NamedTuple):
    """A template by its name."""

    source: MailSource
    #: None for one of the folder.
    version: int | None


class Templates(Protocol):
    """Where templates are found by name; see `application/template_source.py`."""

    def find(self, name: str, version: int | None = None) -> FoundTemplate:
        """The template, in this version or the newest. Raises TemplateError."""


class PreparedMail:
    """The mail of one message. Its methods may be called from several threads."""

    def __init__(
        self, message: SingleMessage, mail: SingleMail, *, extras: RendererExtras, targets: tuple[str, ...], opens: bool
    ) -> None:
        #: With the version of its template.
        self.message = message
        #: What of it is noticed: opens where the mail has a pixel, clicks where a link is tracked.
        self.tracked = Tracking(opens=opens, clicks=bool(targets))
        #: The targets of its tracked links, each once; to be kept (storage/events/tracked_links) before it leaves.
        self.targets = targets
        self._mail = mail
        self._domain, self._secret = extras.bounce_domain, extras.token_secret
        self._has_event = extras.provider_header is not None
        self._extra = LANGUAGES.index(message.unsubscribe)
        self._recipients = message.recipients
        #: The bytes that all recipients get, and the rows that they were made for.
        self._made: tuple[int, int, bytes] | None = None

    @property
    def is_marketing(self) -> bool:
        """Whether it leaves those out who unsubscribed from the sender domain."""
        return self.message.is_marketing

    @property
    def subject(self) -> str:
        """As the recipients see it."""
        return self._mail.subject

    def made(self, *, occurrence_id: int, seq: int, place: int) -> tuple[str, bytes]:
        """Envelope sender and content for the recipient in a place of `message.recipients`, whose row is `seq`."""
        return self.envelope_sender(occurrence_id, seq, place), self.content(occurrence_id, seq, place)

    def envelope_sender(self, occurrence_id: int, seq: int, place: int) -> str:
        """`b-TOKEN@` the bounce domain, as bulk mail has it; without such a domain the sender."""
        if not self._domain:
            return self.message.sender.address
        check = check_of(self._recipients[place][1].address)
        return f"b-{_maker(self._secret, Purpose.BOUNCE).make(occurrence_id, seq, check)}@{self._domain}"

    def content(self, occurrence_id: int, seq: int, place: int) -> bytes:
        """The mail to the recipient in a place of `message.recipients`, whose row is `seq`.

        Lines end in CRLF and are not dot-stuffed. Mail that is the same for all is made once.
        """
        if not self._mail.is_one_for_all:
            return self._mail.made(occurrence_id, seq, place, self._tokens(occurrence_id, seq, place))
        first = seq - place
        known = self._made
        if known is None or known[:2] != (occurrence_id, first):
            known = (occurrence_id, first, self._mail.made(occurrence_id, seq, place, _NOTHING))
            self._made = known
        return known[2]

    def _tokens(self, occurrence_id: int, seq: int, place: int) -> MailTokens:
        has_link, tracked = self._mail.has_link, self.tracked
        if not (has_link or self._has_event or tracked.opens or tracked.clicks):
            return _NOTHING
        check = check_of(self._recipients[place][1].address)

        def token(purpose: Purpose, needed: object, extra: int = 0) -> dict[str, str]:
            if not needed:
                return {}
            return {_NAMES[purpose]: _maker(self._secret, purpose).make(occurrence_id, seq, check, extra)}

        return MailTokens(
            **token(Purpose.UNSUBSCRIBE, has_link, self._extra),
            **token(Purpose.EVENT, self._has_event),
            **token(Purpose.OPEN, tracked.opens),
            **token(Purpose.CLICK, tracked.clicks),
        )


_NAMES = {
    Purpose.UNSUBSCRIBE: "unsubscribe",
    Purpose.EVENT: "event",
    Purpose.OPEN: "opened",
    Purpose.CLICK: "clicked",
}


@lru_cache(maxsize=64)
def _maker(secret: bytes, purpose: Purpose) -> TokenMaker:
    return TokenMaker(secret, purpose)


def prepare(
    message: SingleMessage,
    templates: Templates,
    *,
    extras: RendererExtras,
    installation_id: str,
    unsubscribe_page: str | None,
    public_url: str | None,
) -> PreparedMail:
    """Render a message. `unsubscribe_page` is the address of the page up to the token, as `MailContent` has it.

    Raises InvalidInput, which names a field of the request, or TemplateError, when it cannot be sent.
    """
    domain = message.sender.domain
    tracked, key = _tracked(message, public_url, extras.token_secret)
    frame = MailFrame(
        message_id=(f"<{installation_id}.", f"@{domain}>"),
        headers=_headers(message, extras, installation_id),
        provider_header=extras.provider_header,
        own_link=_own_link(message, unsubscribe_page, extras.bounce_domain),
    )
    if message.template is None:
        try:
            mail, parts = _of_own_texts(message, frame, tracked, key)
        except TemplateError as problem:
            raise _of_field(problem) from problem
    else:
        mail, parts, message = _of_template(message, templates, frame, tracked, key)
    targets, opens = (parts.targets, parts.has_pixel) if parts else ((), False)
    return PreparedMail(message, mail, extras=extras, targets=targets, opens=opens)


def _of_own_texts(
    message: SingleMessage, frame: MailFrame, tracked: TrackedParts | None, key: object
) -> tuple[SingleMail, Parts | None]:
    assert message.subject is not None
    subject = subject_part(message.subject, verbatim=message.verbatim)
    parts = None
    if tracked is not None or message.unsubscribe is not UnsubscribeLanguage.NONE or not is_plain(message):
        parts = own_parts(message, tracked, key)
    return _rendered(message, frame, subject, parts), parts


def _of_template(
    message: SingleMessage, templates: Templates, frame: MailFrame, tracked: TrackedParts | None, key: object
) -> tuple[SingleMail, Parts, SingleMessage]:
    assert message.template is not None
    found = templates.find(message.template, message.template_version)
    message = replace(message, template_version=found.version)
    parts = found.source.parts(message.unsubscribe, tracked, key)
    subject: BodyPart = found.source.template.subject
    if message.subject is None and not found.source.template.has_subject:
        raise InvalidInput("field_missing", field="subject")
    if message.subject is not None:
        try:
            subject = subject_part(message.subject, verbatim=False)
        except TemplateError as problem:
            raise _of_field(problem) from problem
    return _rendered(message, frame, subject, parts), parts, message


def _rendered(message: SingleMessage, frame: MailFrame, subject: BodyPart, parts: Parts | None) -> SingleMail:
    """The mail. An error of a variable without a value names all of these."""
    values = _values(message)
    try:
        return SingleMail(message, frame, subject=subject, parts=parts, values=values)
    except TypeError as cause:
        raise InvalidInput("value_does_not_fit", field="values") from cause
    except TemplateError as problem:
        says = problem.facts.get("says")
        if not _is_undefined(problem) or not isinstance(says, str):
            raise
        missing = set(parts.variables if parts else ()) | set(_UNDEFINED.findall(says))
        if names := sorted(missing - set(values)):
            raise TemplateError("values_missing", names=names, template=problem.template, field="values") from problem
        raise TemplateError("value_missing", says=says, template=problem.template, field="values") from problem


def _is_undefined(problem: BaseException) -> bool:
    from jinja2 import UndefinedError

    return isinstance(problem.__cause__ or problem.__context__, UndefinedError)


def _of_field(problem: TemplateError) -> SesError:
    """An error of a message's own texts as one of the field of its request."""
    if problem.template != OF_MESSAGE:
        return problem
    facts: dict[str, Any] = {
        name: one for name, one in problem.facts.items() if name not in ("template", "part", "in_file")
    }
    return InvalidInput(problem.code, **{"field": _FIELDS.get(problem.part or ""), **facts})


def _values(message: SingleMessage) -> Mapping[str, Any]:
    """The values as a template sees them: null is a missing value, wherever it stands."""
    values = message.values
    if not values:
        return {UNSUBSCRIBE_URL: ""}
    found = {name: _value(value) for name, value in values.items()}
    return {UNSUBSCRIBE_URL: "", **recipient_values(found)}


def _value(value: Any) -> Any:
    if value is None:
        return MISSING
    if isinstance(value, Mapping):
        return {name: _value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value


def _headers(message: SingleMessage, extras: RendererExtras, installation_id: str) -> dict[str, str]:
    """Our headers and, behind them, those of the message, none of which may be there already."""
    ours = {
        **single_headers(message.sender.domain, installation_id, is_marketing=message.is_marketing),
        **extras.headers,
    }
    if not message.headers:
        return ours
    taken = {name.lower() for name in ours}
    if extras.provider_header is not None:
        taken.add(extras.provider_header.name.lower())
    for name in message.headers:
        if name.lower() in taken:
            raise InvalidInput("header_twice", name=name, field=f"headers.{name}")
    return {**ours, **message.headers}


def _own_link(message: SingleMessage, page: str | None, bounce_domain: str | None) -> OwnLink | None:
    if message.unsubscribe is UnsubscribeLanguage.NONE:
        return None
    if page is None:
        raise InvalidInput("public_url_missing", field="unsubscribe")
    return OwnLink(page, mailbox_domain=bounce_domain)


def _tracked(message: SingleMessage, url: str | None, secret: bytes) -> tuple[TrackedParts | None, object]:
    """What is tracked, and a key that is equal for what is tracked alike."""
    opens, clicks = bool(message.track.opens), bool(message.track.clicks)
    if not opens and not clicks:
        return None, None
    if url is None:
        raise InvalidInput("tracking_without_public_url", field="track", domain=message.sender.domain)
    links = Links(LinkMaker(secret), public_url=url) if clicks else None
    return TrackedParts(public_url=url, opens=opens, links=links), (url, opens, clicks, secret)
