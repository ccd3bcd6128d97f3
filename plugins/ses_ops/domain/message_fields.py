"""The fields of a request for a single message: everything that a program may say, checked.

Each problem is an InvalidInput that names its field as a path (`to[2]`, `attachments[0].name`, `values.items[3].name`).
What is checked here needs neither a template nor the database; `sending/single/prepared_mail.py` checks the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from ses_ops.domain.address import Address, Sender, answerable, parse_address, parse_sender
from ses_ops.domain.attachment_fields import attachments_of
from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.domain.message_headers import checked_headers
from ses_ops.domain.message_values import checked_values, refuse_not_storable
from ses_ops.domain.single_message import SingleMessage
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import InvalidInput

#: Addresses of `to`, and of each of `cc` and `bcc`, as in the reference.
MAX_TO, MAX_COPIES = 50, 20
#: Characters of a subject with its variables (rendering/task_text.py), and of a text or an HTML part.
MAX_SUBJECT, MAX_BODY = 2_000, 4 * 1024 * 1024
MAX_TAGS, MAX_TAG, MAX_REFERENCE = 10, 64, 255
#: How far ahead a message may be asked for.
MAX_AHEAD = timedelta(days=7)
#: How late `send_at` may be at arrival and still mean at once: clocks differ, and a request takes its time.
LATE = timedelta(minutes=5)
FIELDS = (
    *("from", "to", "cc", "bcc", "shared", "reply_to", "subject", "text", "html", "template", "values", "verbatim"),
    *("headers", "attachments", "tags", "reference", "unsubscribe", "marketing", "track", "send_at"),
)
#: What only the reference's programs may say.
OF_REFERENCE = ("header_from", "message_id")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_TEMPLATE = re.compile(r"[a-z0-9][a-z0-9_-]{0,200}").fullmatch
#: A Message-ID (RFC 5322 3.6.4) without what only an obsolete one has; with the name of the header it fits a line.
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,400}@[!-;=?A-~]{1,400}>").fullmatch


def parse_single_message(fields: Mapping[str, object], *, now: datetime, as_reference: bool = False) -> SingleMessage:
    """The message that a request's fields say. Raises InvalidInput, which names the field.

    `as_reference`: the fields come from a program of the reference, which may also set `message_id` and `header_from`,
    and whose files have the names that are allowed there.
    """
    known = (*FIELDS, *OF_REFERENCE) if as_reference else FIELDS
    for name in fields:
        if name not in known:
            raise _unknown(name, known)
    names: dict[str, str] = {}
    to = _recipients(fields, "to", MAX_TO, names)
    cc = _recipients(fields, "cc", MAX_COPIES, names)
    bcc = _recipients(fields, "bcc", MAX_COPIES, names)
    _refuse_twice(to, cc, bcc)
    sender = _sender(fields, "from") or _missing("from")
    unsubscribe = _unsubscribe(fields)
    marketing = _truth(fields, "marketing")
    return SingleMessage(
        sender=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        names=names,
        shared=bool(_truth(fields, "shared") or cc or bcc),
        header_from=_header_from(fields, sender),
        reply_to=_reply_to(fields),
        **_content(fields),
        values=checked_values(fields.get("values")),
        verbatim=bool(_truth(fields, "verbatim")),
        headers=checked_headers(fields.get("headers")),
        message_id=_message_id(fields),
        attachments=attachments_of(fields.get("attachments"), as_reference=as_reference),
        tags=_tags(fields),
        reference=_line(fields, "reference", MAX_REFERENCE),
        unsubscribe=unsubscribe,
        is_marketing=unsubscribe is not UnsubscribeLanguage.NONE if marketing is None else marketing,
        track=_tracking(fields),
        send_at=_send_at(fields, now),
    )


# --- who


def _sender(fields: Mapping[str, object], field: str) -> Sender | None:
    text = _text(fields, field)
    if text is None:
        return None
    try:
        return parse_sender(text)
    except InvalidInput as problem:
        raise problem.at(field=field) from problem


def _header_from(fields: Mapping[str, object], sender: Sender) -> Sender | None:
    """Whom From names: of the domain of `from`, which is what a key is for."""
    found = _sender(fields, "header_from")
    if found is not None and found.domain != sender.domain:
        raise InvalidInput("header_from_of_other_domain", domain=sender.domain, field="header_from")
    return found


def _reply_to(fields: Mapping[str, object]) -> str | None:
    sender = _sender(fields, "reply_to")
    if sender is None:
        return None
    try:
        answerable(sender.address)
    except InvalidInput as problem:
        raise problem.at(field="reply_to") from problem
    return _text(fields, "reply_to")


def _recipients(fields: Mapping[str, object], field: str, most: int, names: dict[str, str]) -> tuple[Address, ...]:
    """The addresses of a field, a text or a list of texts; their display names are added to `names`."""
    value = fields.get(field)
    if value is None:
        return ()
    if isinstance(value, str):
        return (_recipient(value, field, names),)
    if not isinstance(value, list | tuple):
        raise InvalidInput("not_texts", field=field)
    if len(value) > most:
        raise InvalidInput("too_many_addresses", count=len(value), most=most, field=field)
    return tuple(_recipient(one, f"{field}[{place}]", names) for place, one in enumerate(value))


def _recipient(text: object, field: str, names: dict[str, str]) -> Address:
    if not isinstance(text, str):
        raise InvalidInput("not_a_text", value=_shown(text), field=field)
    try:
        if "<" not in text:
            return parse_address(text)
        sender = parse_sender(text)
        address = parse_address(sender.address)
    except InvalidInput as problem:
        raise problem.at(field=field) from problem
    if sender.display_name:
        names[address.address] = sender.display_name
    return address


def _refuse_twice(to: Sequence[Address], cc: Sequence[Address], bcc: Sequence[Address]) -> None:
    if not (to or cc or bcc):
        raise InvalidInput("no_recipient", field="to")
    seen: set[str] = set()
    for field, addresses in (("to", to), ("cc", cc), ("bcc", bcc)):
        for address in addresses:
            if address.key in seen:
                raise InvalidInput("recipient_twice", address=address.address, field=field)
            seen.add(address.key)


# --- what


def _content(fields: Mapping[str, object]) -> dict[str, Any]:
    """Subject, text, html and template: a template, or a subject and a body of the request's own."""
    subject = _line(fields, "subject", MAX_SUBJECT, may_be_empty=False)
    text, html = _body(fields, "text"), _body(fields, "html")
    template = _text(fields, "template")
    if template is not None and not _TEMPLATE(template):
        raise InvalidInput("not_a_template_name", field="template")
    if template is not None and (text is not None or html is not None):
        raise InvalidInput("template_or_body", field="template")
    if template is None and text is None and html is None:
        raise InvalidInput("body_missing", field="text")
    if template is None and subject is None:
        raise _missing_error("subject")
    if template is not None and _truth(fields, "verbatim"):
        raise InvalidInput("template_is_not_verbatim", field="verbatim")
    return {"subject": subject, "text": text, "html": html, "template": template}


def _body(fields: Mapping[str, object], field: str) -> str | None:
    """The text or the HTML; an empty one is none."""
    value = fields.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidInput("not_a_text", value=_shown(value), field=field)
    if len(value) > MAX_BODY:
        raise InvalidInput("text_too_long", count=len(value), most=MAX_BODY, field=field)
    refuse_not_storable(value, field)
    return value


def _message_id(fields: Mapping[str, object]) -> str | None:
    text = _text(fields, "message_id")
    if text is not None and not _MESSAGE_ID(text):
        raise InvalidInput("not_a_message_id", value=text[:80], field="message_id")
    return text


def _tags(fields: Mapping[str, object]) -> tuple[str, ...]:
    value = fields.get("tags")
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InvalidInput("not_texts", field="tags")
    if len(value) > MAX_TAGS:
        raise InvalidInput("too_many_names", count=len(value), most=MAX_TAGS, field="tags")
    places = {f"tags[{place}]": one for place, one in enumerate(value)}
    found = [_line(places, place, MAX_TAG, may_be_empty=False) or _missing(place) for place in places]
    return tuple(dict.fromkeys(found))


# --- how and when


def _unsubscribe(fields: Mapping[str, object]) -> UnsubscribeLanguage:
    value = fields.get("unsubscribe")
    if value is None or value is False:
        return UnsubscribeLanguage.NONE
    known = [str(one) for one in UnsubscribeLanguage]
    if value not in known:
        raise InvalidInput("choice_not_known", choices=known, value=_shown(value), field="unsubscribe")
    return UnsubscribeLanguage(value)


def _tracking(fields: Mapping[str, object]) -> Tracking:
    value = fields.get("track")
    if value is None:
        return UNTRACKED
    if not isinstance(value, Mapping):
        raise InvalidInput("not_tracking", field="track")
    for name in value:
        if name not in ("opens", "clicks"):
            raise InvalidInput("not_tracking", field="track")
    opens, clicks = (_truth({f"track.{name}": value.get(name)}, f"track.{name}") for name in ("opens", "clicks"))
    return Tracking(opens=bool(opens), clicks=bool(clicks))


def _send_at(fields: Mapping[str, object], now: datetime) -> datetime | None:
    text = _text(fields, "send_at")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput("not_a_moment", value=text[:80], field="send_at")
    if moment < now - LATE:
        raise InvalidInput("expiry_has_passed", value=text[:80], field="send_at")
    if moment > now + MAX_AHEAD:
        raise InvalidInput("moment_too_far_ahead", value=text[:80], days=MAX_AHEAD.days, field="send_at")
    return moment.astimezone(UTC) if moment > now else None


# --- texts


def _text(fields: Mapping[str, object], field: str) -> str | None:
    """A text of a field without white space around it; None when it is absent. An empty one is a mistake."""
    value = fields.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("not_a_text", value=_shown(value), field=field)
    refuse_not_storable(value, field)
    return value.strip()


def _line(fields: Mapping[str, object], field: str, most: int, *, may_be_empty: bool = True) -> str | None:
    """A text of one line; an empty one is None or, unless it may be empty, a mistake."""
    value = fields.get(field)
    if value is None or (value == "" and may_be_empty):
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("not_a_text", value=_shown(value), field=field)
    if _CONTROL(value):
        raise InvalidInput("control_character", field=field)
    if len(value) > most:
        raise InvalidInput("text_too_long", count=len(value), most=most, field=field)
    return value.strip()


def _truth(fields: Mapping[str, object], field: str) -> bool | None:
    value = fields.get(field)
    if value is None or isinstance(value, bool):
        return value
    raise InvalidInput("quota_switch_not_valid", value=_shown(value), field=field)


def _shown(value: object) -> str:
    return repr(value)[:80] if not isinstance(value, str) else value[:80]


def _missing_error(field: str) -> InvalidInput:
    return InvalidInput("field_missing", field=field)


def _missing(field: str) -> Any:
    raise _missing_error(field)


def _unknown(name: object, known: Sequence[str]) -> InvalidInput:
    field = str(name)[:80]
    meant = get_close_matches(field, known, 1)
    if meant:
        return InvalidInput("unknown_key_meant", meant=meant[0], known=list(known), field=field)
    return InvalidInput("unknown_key", known=list(known), field=field)
