"""A send task's template and a recipient's values to the bytes of a message (RFC 5322, RFC 2045).

Built for speed: all that is the same in every message of a task is made once (`skeleton`), and what differs goes
through the C encoders of the standard library. No value can leave its place: see each encoder for why.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from ses_ops.domain.address import Sender, answerable, parse_address, parse_domain, parse_sender
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.template_variables import UNSUBSCRIBE_URL, recipient_values
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import InvalidInput
from ses_ops.rendering.constant_part import build_skeleton
from ses_ops.rendering.fill import CLICK_TOKEN, OPEN_TOKEN, READY, Bodies, bodies_of
from ses_ops.rendering.header import clean_subject, encode_subject
from ses_ops.rendering.own_link import NO_TOKEN, OwnLink, with_footer
from ses_ops.rendering.quoted_printable import SOFT_BREAK, BodyEncoder
from ses_ops.rendering.template import MailTemplate, Preview
from ses_ops.rendering.unsubscribe_link import UnsubscribeLink

if TYPE_CHECKING:
    from ses_ops.rendering.body_part import BodyPart
    from ses_ops.rendering.tracking import TrackedTemplate

#: Bytes of a whole message, as in the reference.
MAX_MESSAGE = 4 * 1024 * 1024
Advertisement = Literal["none", "before", "after"]
#: What marks a subject as advertising, where law or custom asks for it.
ADVERTISEMENT_MARK = "[AD]"
_INSTALLATION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_BREAK = SOFT_BREAK.decode()
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]{1,253}")


class ProviderHeader(NamedTuple):
    """A header with the message's token, which a mail provider hands back with its events."""

    name: str
    #: What stands before and behind the token: printable ASCII.
    before: str = ""
    after: str = ""


class MessageRenderer:
    """Makes the messages of one send task. Safe to use from several threads."""

    def __init__(
        self,
        template: MailTemplate,
        *,
        sender: Sender,
        installation_id: str,
        subject: str | None = None,
        reply_to: str | None = None,
        unsubscribe_url: str | None = None,
        own_link: OwnLink | None = None,
        footer: UnsubscribeLanguage | None = None,
        advertisement: Advertisement = "none",
        message_id_domain: str | None = None,
        headers: Mapping[str, str] | None = None,
        provider_header: ProviderHeader | None = None,
        tracked: TrackedTemplate | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises TemplateError or InvalidInput for what would be wrong in every message.

        `own_link` leads to the installation's own page, in place of `unsubscribe_url`; `footer` is the language of the
        footer with that link, for each body that does not show it.
        `subject` takes the place of the template's; `message_id_domain` of the sender's domain in the Message-ID.
        `installation_id` keeps the Message-IDs of two installations apart.
        `tracked` is the template with pixel and tracked links.
        `headers` are further ones, the same in every message. `clock` gives seconds since 1970.
        """
        if subject is not None and ("\n" in subject or "\r" in subject):
            raise InvalidInput("subject_with_line_break", field="subject")
        if not _INSTALLATION_ID.fullmatch(installation_id):
            raise InvalidInput("not_an_installation_id", field="installation_id")
        if advertisement not in ("none", "before", "after"):
            raise InvalidInput("not_an_advertisement_place", field="advertisement")
        self._subject = template.subject if subject is None else template.compile_text(subject, "subject")
        if own_link and unsubscribe_url:
            raise InvalidInput("unsubscribe_or_address", field="unsubscribe")
        self._tracked = tracked
        template = tracked.template if tracked else template
        self._template_text = template.text
        self._text: BodyPart = template.text
        self._html: BodyPart | None = template.html
        if footer:
            self._text, self._html = with_footer(template, footer)
        self._own_link = own_link
        self._link = UnsubscribeLink(unsubscribe_url, template) if unsubscribe_url else None
        self._advertisement = advertisement
        domain = parse_domain(message_id_domain) if message_id_domain else sender.domain
        self._message_id = (f"<{installation_id}.", f"@{domain}>")
        ready = {UNSUBSCRIBE_URL} if own_link is not None else set()
        ready |= {CLICK_TOKEN, OPEN_TOKEN} if tracked else set()
        self._bodies = message_bodies([("text", self._text), ("HTML", self._html)], ready=ready)
        self._provider = provider_header or ProviderHeader("")
        self._clock = clock
        self._date = (0, b"")
        self._skeleton = build_skeleton(
            sender=sender,
            reply_to=_parse_reply_to(reply_to) if reply_to else None,
            has_link=self._link is not None or own_link is not None,
            one_click=any(link is not None and link.one_click for link in (self._link, own_link)),
            has_html=template.html is not None,
            headers=headers or {},
            provider_header=self._provider.name,
        )

    def render(
        self,
        *,
        occurrence_id: int,
        seq: int,
        address: str,
        values: Mapping[str, str],
        unsubscribe_token: str = NO_TOKEN,
        event_token: str = "",
        open_token: str = NO_TOKEN,
        click_token: str = NO_TOKEN,
    ) -> bytes:
        """The complete message of ledger row (`occurrence_id`, `seq`), lines ending in CRLF, not dot-stuffed.

        7-bit, except that an international `address` stands in To as UTF-8 (RFC 6532). Raises InvalidInput or
        TemplateError when this one message cannot be made; the others of the task may well be. The tokens are those of
        this message, for the own link, the provider's header, the pixel and the tracked links.
        """
        try:
            values, link = self._with_link(recipient_values(values), unsubscribe_token, open_token, click_token)
            return self._made(occurrence_id, seq, address, values, link, event_token)
        except TypeError as cause:
            raise self._template_text.error("value_not_a_text") from cause

    def _with_link(
        self,
        values: Mapping[str, str],
        token: str = NO_TOKEN,
        open_token: str = NO_TOKEN,
        click_token: str = NO_TOKEN,
    ) -> tuple[Mapping[str, str], bytes]:
        """The values with the links of this message, and the value of List-Unsubscribe."""
        if self._own_link is not None:
            found, header = self._own_link.placed(values, token)
        else:
            link = self._link.render(values) if self._link else ""
            found, header = {**values, UNSUBSCRIBE_URL: link}, f"<{link}>".encode("ascii") if link else b""
        if self._tracked:
            # Hexadecimal digits need no encoding.
            found[CLICK_TOKEN], found[READY[CLICK_TOKEN]] = click_token, click_token + _BREAK
            found[OPEN_TOKEN], found[READY[OPEN_TOKEN]] = open_token, open_token + _BREAK
        return found, header

    def _made(
        self, occurrence_id: int, seq: int, address: str, values: Mapping[str, str], link: bytes, event_token: str
    ) -> bytes:
        skeleton = self._skeleton
        before_id, after_id = self._message_id
        text, html = self._bodies(values)
        message = b"".join(
            (
                skeleton.before_to,
                _checked_recipient(address),
                skeleton.before_subject,
                encode_subject(self._marked_subject(values)),
                skeleton.before_date,
                self._date_now(),
                skeleton.before_id,
                f"{before_id}{occurrence_id}.{seq}{after_id}".encode("ascii"),
                skeleton.before_link,
                link,
                skeleton.before_event,
                self._event(event_token) if skeleton.before_event else b"",
                skeleton.before_text,
                text,
                skeleton.before_html,
                html,
                skeleton.end,
            )
        )
        if len(message) > MAX_MESSAGE:
            raise InvalidInput("message_too_large", count=len(message), most=MAX_MESSAGE)
        return message

    @property
    def has_provider_header(self) -> bool:
        """Whether each message has a header with a token for its mail provider."""
        return bool(self._provider.name)

    @property
    def tracked(self) -> Tracking:
        """What can be noticed of its messages: opens where they have a pixel, clicks where a link is tracked."""
        return Tracking(opens=self._tracked is not None and self._tracked.has_pixel, clicks=bool(self.targets))

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of the tracked links, each once."""
        return self._tracked.targets if self._tracked else ()

    def _event(self, token: str) -> bytes:
        return f"{self._provider.before}{token}{self._provider.after}".encode("ascii")

    def message_id(self, occurrence_id: int, seq: int) -> str:
        """The Message-ID of a ledger row, the same at every attempt, with its angle brackets."""
        before_id, after_id = self._message_id
        return f"{before_id}{occurrence_id}.{seq}{after_id}"

    def preview(self, values: Mapping[str, str]) -> Preview:
        """What the recipient with these values would see; raises as `render` does."""
        values, _ = self._with_link(recipient_values(values))
        return Preview(
            subject=self._marked_subject(values),
            html=self._html.render(values) if self._html else None,
            text=self._text.render(values),
        )

    def subject(self, values: Mapping[str, str]) -> str:
        """The subject that the recipient with these values sees; raises as `render` does."""
        values, _ = self._with_link(recipient_values(values))
        return self._marked_subject(values)

    def _marked_subject(self, values: Mapping[str, str]) -> str:
        subject = clean_subject(self._subject.render(values))
        if self._advertisement == "before":
            return f"{ADVERTISEMENT_MARK} {subject}"
        if self._advertisement == "after":
            return f"{subject} {ADVERTISEMENT_MARK}"
        return subject

    def _date_now(self) -> bytes:
        """The Date header's value (RFC 5322 3.3), which is the same for a second."""
        now = int(self._clock())
        second, date = self._date
        if now != second:
            date = format_datetime(datetime.fromtimestamp(now, UTC)).encode("ascii")
            self._date = (now, date)
        return date


def _parse_reply_to(text: str) -> Sender:
    try:
        sender = parse_sender(text)
        answerable(sender.address)
    except InvalidInput as error:
        raise error.at(field="reply_to") from error
    return sender


def _checked_recipient(address: str) -> bytes:
    """The address as To shows it. Anything but the one address that `parse_address` makes is refused."""
    if not _PLAIN_ADDRESS.fullmatch(address) and parse_address(address, dotless=True).address != address:
        raise InvalidInput("address_not_normalised", address=address, field="address")
    return address.encode()


def message_bodies(parts: Sequence[tuple[str, BodyPart | None]], *, ready: Collection[str] = frozenset()) -> Bodies:
    """For parts with the names that errors have for them; for a part that is None the body is empty.

    `ready`: values of these names come encoded for a body, too (see `bodies_of`).

    The function raises InvalidInput or TemplateError when a message cannot be made.
    """
    encoder = BodyEncoder()

    def one_by_one(values: Mapping[str, str]) -> Sequence[bytes]:
        return [encoder.encode(part.pieces(values), name) if part else b"" for name, part in parts]

    steps = [(part.steps, part.finish) if part else ((), None) for _, part in parts]
    if any(part is None for part, _ in steps):
        return one_by_one
    together = bodies_of([(part, finish) for part, finish in steps if part is not None], ready=ready)

    def bodies(values: Mapping[str, str]) -> Sequence[bytes]:
        try:
            return together(values)
        except Exception:
            # Made the long way, or told what is wrong with it.
            return one_by_one(values)

    return bodies
