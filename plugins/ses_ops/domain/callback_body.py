"""The JSON of a callback, native and in the reference's form (Tencent Cloud SES, document 39492 of 2025-10-30)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import parseaddr
from typing import Any
from zlib import crc32

from ses_ops.domain.callback import TEST, CallbackFormat, CallbackKind


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackFacts:
    """An event with its message, as the ledger has them."""

    kind: str
    occurred_at: datetime
    occurrence_id: int
    seq: int
    address: str
    #: When the last outcome of sending was written.
    sent_at: datetime | None
    task_id: int
    task: str
    task_type: str
    #: Number of the start, from 1.
    start: int
    template: str
    sender: str
    sender_domain: str
    subject: str
    installation: str
    #: Of a single message: its id, the MessageId that a client of the reference got, the user's reference and tags.
    single_id: str | None = None
    reference_id: str | None = None
    reference: str | None = None
    tags: tuple[str, ...] = ()
    #: Of a bounce or a refusal: the address or its domain does not exist.
    hard: bool = False
    #: The server's words, and the code of a refusal (SMTP), the enhanced status code and our word for the reason.
    words: str = ""
    code: int | None = None
    status: str | None = None
    reason: str | None = None
    source: str = ""
    #: Of an open or a click.
    user_agent: str = ""
    link: str = ""
    #: `person`, `machine` or `unknown`.
    verdict: str = ""

    @property
    def message_id(self) -> str:
        """The Message-ID of the mail, without angle brackets."""
        domain = parseaddr(self.sender)[1].rpartition("@")[2] or self.sender_domain
        return f"{self.installation}.{self.occurrence_id}.{self.seq}@{domain}"


#: Name and number of each event of the reference. It has none for an unsubscription that was taken back.
_TENCENT = {
    CallbackKind.DELIVERED: ("delivered", 1),
    CallbackKind.DROPPED: ("dropped", 2),
    CallbackKind.BOUNCED: ("bounce", 3),
    CallbackKind.REFUSED: ("bounce", 3),
    CallbackKind.OPENED: ("open", 4),
    CallbackKind.CLICKED: ("click", 5),
    CallbackKind.COMPLAINED: ("spamreport", 6),
    CallbackKind.UNSUBSCRIBED: ("unsubscribe", 7),
    CallbackKind.DEFERRED: ("deferred", 8),
}
#: Kinds that the reference's form has no event for.
NOT_IN_TENCENT = frozenset(kind.value for kind in CallbackKind if kind not in _TENCENT)


def callback_body(facts: CallbackFacts, made_as: CallbackFormat, *, event_key: str) -> bytes:
    """The body of a post: one JSON object in UTF-8."""
    made = tencent_object(facts) if made_as is CallbackFormat.TENCENT else native_object(facts, event_key=event_key)
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def tencent_object(facts: CallbackFacts) -> dict[str, Any]:
    """The object of the reference. Fields that do not apply are left out; a test is a `delivered` event."""
    kind = CallbackKind.DELIVERED if facts.kind == TEST else CallbackKind(facts.kind)
    event, number = _TENCENT[kind]
    made: dict[str, Any] = {
        "event": event,
        "eventid": number,
        "email": facts.address,
        # Of a single message: what SendEmail has answered.
        "bulkId": facts.reference_id
        or facts.single_id
        or f"ses-ops-{facts.installation}-{facts.occurrence_id}-{facts.seq}",
        "timestamp": int(facts.occurred_at.timestamp()),
    }
    if event in ("bounce", "dropped", "deferred"):
        made["reason"] = _reason(facts)
    if event == "bounce":
        made["bounceType"] = "hard_bounce" if facts.hard else "soft_bounce"
    if event == "click":
        made["link"] = facts.link
    if event in ("open", "click"):
        made["useragent"] = facts.user_agent
    sender = parseaddr(facts.sender)[1] or facts.sender
    made |= {
        "username": facts.installation,
        "from": sender,
        "fromDomain": sender.rpartition("@")[2] or facts.sender_domain,
        # Templates have names here: a number that stays the same for the same name.
        "templateId": crc32(facts.template.encode("utf-8", "replace")),
        "subject": facts.subject if facts.subject.isascii() else _mime_words(facts.subject),
        "messageId": facts.message_id,
        "taskId": facts.task_id,
    }
    if facts.sent_at is not None:
        made["sentTimestamp"] = int(facts.sent_at.timestamp())
    return made


def native_object(facts: CallbackFacts, *, event_key: str) -> dict[str, Any]:
    """The native object: what happened, to which message, of which task (docs/callbacks.md)."""
    data: dict[str, Any] = {
        "event_id": event_key,
        "kind": facts.kind,
        "occurred_at": _moment(facts.occurred_at),
        "recipient": facts.address,
        "message_id": facts.message_id,
        "message": {"occurrence": facts.occurrence_id, "seq": facts.seq, "sent_at": _moment(facts.sent_at)},
        "task": {"name": facts.task, "type": facts.task_type, "start": facts.start, "template": facts.template},
        "sender": facts.sender,
        "sender_domain": facts.sender_domain,
        "subject": facts.subject,
    }
    if facts.single_id:
        data["single_message"] = {"id": facts.single_id, "reference": facts.reference, "tags": list(facts.tags)}
    if facts.source:
        data["source"] = facts.source
    if facts.kind in (CallbackKind.BOUNCED, CallbackKind.REFUSED):
        data["hard"] = facts.hard
    if facts.kind in (CallbackKind.BOUNCED, CallbackKind.REFUSED, CallbackKind.DEFERRED, CallbackKind.DROPPED):
        told = {"reason": facts.reason, "smtp_code": facts.code, "status": facts.status, "diagnostic": facts.words}
        data["failure"] = told
    if facts.kind in (CallbackKind.OPENED, CallbackKind.CLICKED):
        data |= {"verdict": facts.verdict, "user_agent": facts.user_agent}
    if facts.kind == CallbackKind.CLICKED:
        data["link"] = facts.link
    return {"type": f"message.{facts.kind}", "timestamp": _moment(facts.occurred_at), "data": data}


def test_facts(*, at: datetime, installation: str, endpoint: str) -> CallbackFacts:
    """The message of a test: nobody's."""
    return CallbackFacts(
        kind=TEST,
        occurred_at=at,
        occurrence_id=0,
        seq=0,
        address="somebody@example.com",
        sent_at=at,
        task_id=0,
        task=f"test of {endpoint}",
        task_type="test",
        start=0,
        template="test",
        sender="nobody@example.com",
        sender_domain="example.com",
        subject="Test of a callback",
        installation=installation,
    )


def _reason(facts: CallbackFacts) -> str:
    words = " ".join(facts.words.split())
    code = str(facts.code) if facts.code else ""
    known = words if not code or words.startswith(code) else f"{code} {words}"
    return known.strip() or facts.status or facts.reason or ""


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mime_words(text: str) -> str:
    """A subject as encoded words (RFC 2047), in one line."""
    clean = " ".join(text.split()).encode("utf-8", "replace").decode()
    return Header(clean, "utf-8", maxlinelen=None).encode(linesep="")
