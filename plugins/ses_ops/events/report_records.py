"""A mail that came back, as the events and unmatched records that it stands for.

A report counts only with a token of this installation: the envelope sender's, which the report was sent to or which
stands in the message it returns. It has to name the address that the token was made for, or no address, or return a
message to that address (which a forwarding server does, whose own report names the next address).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from ses_ops.domain.address import parse_address
from ses_ops.domain.message_event import MAX_DIAGNOSTIC, MAX_RAW, EventKind, MessageEvent, MessageKey
from ses_ops.errors import Explanation, InvalidInput
from ses_ops.events.mime_parts import MAX_OCTETS
from ses_ops.events.report_mail import read_for_each
from ses_ops.events.report_verdict import Action, ReportedRecipient, ReportKind, ReportVerdict
from ses_ops.events.spool import Record, UnmatchedRecord
from ses_ops.events.tokens import Purpose, address_check

#: The feeds of mail.
BOUNCE_MAIL, FEEDBACK_REPORT, UNSUBSCRIBE_MAIL = "bounce_mail", "feedback_report", "unsubscribe_mail"
#: Octets of a mail that are kept of what is not understood.
MAX_KEPT = 1_000_000
#: The time of a report without one: it must not depend on when the mail is read.
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = {
    Action.FAILED: EventKind.BOUNCED,
    Action.DELAYED: EventKind.DEFERRED,
    Action.DELIVERED: EventKind.DELIVERED,
}
_log = logging.getLogger(__name__)
#: Reads a token of a purpose: the key of the message, and a byte that is not used here; None for a foreign one.
ReadToken = Callable[[str, Purpose], tuple[MessageKey, int] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRecords:
    """What a mail stands for. Neither events nor unmatched: it says nothing (an automatic reply, a relayed message)."""

    kind: ReportKind
    events: tuple[MessageEvent, ...] = ()
    unmatched: tuple[UnmatchedRecord, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """All of it, to be recorded."""
        return (*self.events, *self.unmatched)


def records_of(raw: bytes, read_token: ReadToken, *, came_to: Sequence[str] = ()) -> ReportRecords:
    """Read a mail; `came_to` is the addresses of its envelope. Raises only what `read_token` raises."""
    return _records(raw, _source_id(raw), _read(raw, [came_to])[0], read_token)


def records_for_each(raw: bytes, read_token: ReadToken, *, came_to: Sequence[str]) -> list[ReportRecords]:
    """Read a mail for each of its recipients by itself, as if it had come to each alone."""
    source_id = _source_id(raw)
    return [_records(raw, source_id, verdict, read_token) for verdict in _read(raw, [[one] for one in came_to])]


def _read(raw: bytes, envelopes: Sequence[Sequence[str]]) -> list[ReportVerdict]:
    """The verdicts on a mail. One on which our own reading fails is kept as not understood: nothing waits behind it."""
    try:
        return read_for_each(raw, envelopes)
    except Exception:
        _log.exception("a mail cannot be read, which is a fault of the reader; it is kept")
        return [ReportVerdict(kind=ReportKind.NONE)] * len(envelopes)


def _records(raw: bytes, source_id: str, verdict: ReportVerdict, read_token: ReadToken) -> ReportRecords:
    if verdict.kind is ReportKind.AUTO_REPLY:
        return ReportRecords(kind=verdict.kind)
    if verdict.kind is ReportKind.BOUNCE:
        return _bounce(raw, verdict, source_id, _key(verdict, read_token, Purpose.BOUNCE))
    if verdict.kind is ReportKind.COMPLAINT:
        key = _key(verdict, read_token, Purpose.BOUNCE, Purpose.UNSUBSCRIBE)
        return _one(raw, verdict, source_id, key, FEEDBACK_REPORT, EventKind.COMPLAINED)
    if verdict.kind is ReportKind.UNSUBSCRIBE:
        reported = verdict.feedback_type != ""
        key = _key(verdict, read_token, Purpose.UNSUBSCRIBE, *([Purpose.BOUNCE] if reported else []))
        source = FEEDBACK_REPORT if reported else UNSUBSCRIBE_MAIL
        return _one(raw, verdict, source_id, key, source, EventKind.UNSUBSCRIBED)
    source = FEEDBACK_REPORT if verdict.feedback_type else BOUNCE_MAIL
    why = (
        Explanation("hook_not_a_complaint", kind_told=verdict.feedback_type[:40])
        if verdict.feedback_type
        else Explanation("mail_not_understood")
    )
    return ReportRecords(kind=verdict.kind, unmatched=(_unmatched(raw, source, source_id, why, None),))


def _key(verdict: ReportVerdict, read_token: ReadToken, *purposes: Purpose) -> MessageKey | None:
    for one in verdict.tokens:
        if one.purpose in purposes and (found := read_token(one.token, one.purpose)) is not None:
            return found[0]
    return None


def _bounce(raw: bytes, verdict: ReportVerdict, source_id: str, key: MessageKey | None) -> ReportRecords:
    kinds = [_KINDS[one.action] for one in verdict.recipients if one.action in _KINDS]
    if not kinds:
        return ReportRecords(kind=verdict.kind)
    if key is None:
        why = Explanation("report_without_token")
        return ReportRecords(kind=verdict.kind, unmatched=(_unmatched(raw, BOUNCE_MAIL, source_id, why, kinds[0]),))
    meant = [one for one in verdict.recipients if _names(one, key)]
    if not meant and any(_is_of(address, key) for address in verdict.returned_to):
        meant = list(verdict.recipients)[:1]
    if not meant:
        named = ", ".join(one.address for one in verdict.recipients[:5])
        why = Explanation("report_names_another_address", named=named)
        return ReportRecords(kind=verdict.kind, unmatched=(_unmatched(raw, BOUNCE_MAIL, source_id, why, kinds[0]),))
    events = [
        _event(raw, verdict, one, f"{_of_message(source_id, key)}.{number}", key)
        for number, one in enumerate(meant)
        if one.action in _KINDS
    ]
    return ReportRecords(kind=verdict.kind, events=tuple(events))


def _names(recipient: ReportedRecipient, key: MessageKey) -> bool:
    names = [one for one in (recipient.address, recipient.final) if one]
    return not names or any(_is_of(name, key) for name in names)


def _is_of(address: str, key: MessageKey) -> bool:
    """Whether this is the address that the token was made for."""
    forms = {address, address.casefold()}
    try:
        parsed = parse_address(address)
        forms |= {parsed.address, parsed.key}
    except InvalidInput:
        pass
    return any(address_check(form) == key.address_check for form in forms)


def _event(
    raw: bytes, verdict: ReportVerdict, recipient: ReportedRecipient, source_id: str, key: MessageKey
) -> MessageEvent:
    return MessageEvent(
        kind=_KINDS[recipient.action],
        source=BOUNCE_MAIL,
        source_id=source_id,
        occurred_at=verdict.occurred_at or _UNDATED,
        message=key,
        message_id=verdict.message_id,
        address=recipient.address,
        provider_kind=f"{recipient.action.value} {recipient.status}".strip(),
        failure=recipient.failure,
        hard=recipient.hard,
        diagnostic=recipient.diagnostic[:MAX_DIAGNOSTIC],
        raw=_text(raw),
    )


def _one(
    raw: bytes, verdict: ReportVerdict, source_id: str, key: MessageKey | None, source: str, kind: EventKind
) -> ReportRecords:
    if key is None:
        why = Explanation("report_without_token")
        return ReportRecords(kind=verdict.kind, unmatched=(_unmatched(raw, source, source_id, why, kind),))
    event = MessageEvent(
        kind=kind,
        source=source,
        source_id=_of_message(source_id, key),
        occurred_at=verdict.occurred_at or _UNDATED,
        message=key,
        message_id=verdict.message_id,
        address=verdict.recipients[0].address if verdict.recipients else "",
        provider_kind=verdict.feedback_type,
        raw=_text(raw),
    )
    return ReportRecords(kind=verdict.kind, events=(event,))


def _unmatched(raw: bytes, source: str, source_id: str, why: Explanation, kind: EventKind | None) -> UnmatchedRecord:
    return UnmatchedRecord(source=source, source_id=source_id, raw=raw[:MAX_KEPT], why=why, kind=kind)


def _text(raw: bytes) -> str:
    return raw[:MAX_RAW].decode("utf-8", "replace")


def _of_message(source_id: str, key: MessageKey) -> str:
    """The id of what a mail says of one message: a mail may come to the addresses of several."""
    return f"{source_id}.{key.occurrence_id}-{key.seq}"


def _source_id(raw: bytes) -> str:
    """The id of a mail: a hash of what does not change on its way, so each copy of it has the same one.

    Servers on the way add header fields at the top and change the ends of lines; from the first field that they do not
    write, the mail stays as it is.
    """
    octets = raw[:MAX_OCTETS].replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip()
    head, _, body = octets.partition(b"\n\n")
    fields = head.lower().split(b"\n")
    kept = sorted(line for line in fields if line.startswith((b"message-id:", b"date:", b"from:", b"subject:")))
    return blake2b(b"\n".join([*kept, body]), digest_size=16).hexdigest()
