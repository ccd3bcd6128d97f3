"""The reading of a mail that came back: a bounce, a feedback report, an automatic reply, or the wish for no more mail.

A mail is judged by its content. Whether a program sent it says little: a third of all real bounces say that they are
automatic replies, and half of the automatic replies do not (RFC 3834). Nothing raises: any octets have a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from logging import getLogger

from ses_ops.events import dsn, feedback_report, nonstandard_bounce
from ses_ops.events.mime_parts import MAX_OCTETS, MimePart, decoded, read_headers, read_parts
from ses_ops.events.nonstandard_bounce import ADDRESS, ReportText
from ses_ops.events.report_verdict import Action, ReportedRecipient, ReportKind, ReportVerdict, TokenFound
from ses_ops.events.tokens import LENGTH, Purpose

_TOKEN_ADDRESS = re.compile(rf"(?<![A-Za-z0-9])([bu])-([0-9a-f]{{{LENGTH}}})@", re.IGNORECASE)
_TOKEN_LINK = re.compile(rf"/u/([0-9a-f]{{{LENGTH}}})(?![0-9a-z])", re.IGNORECASE)
_PURPOSES = {"b": Purpose.BOUNCE, "u": Purpose.UNSUBSCRIBE}
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")
#: Headers of the report that say which address it came to.
_CAME_TO = ("delivered-to", "x-original-to", "x-envelope-to", "envelope-to", "to", "cc")
#: Headers of the returned message that carry our tokens.
_CARRY = ("return-path", "from", "sender", "x-envelope-from", "list-unsubscribe")
#: Octets of a mail that are given to the fallback, and boundaries in it: its parser has no limits of its own.
_MOST_FOR_FALLBACK, _MOST_BOUNDARIES = 32_000, 20


def read_report(raw: bytes, *, came_to: Sequence[str] = ()) -> ReportVerdict:
    """Read a mail as it came; `came_to` is the addresses of the envelope, where the way it came knows them."""
    return read_for_each(raw, [came_to])[0]


def read_for_each(raw: bytes, envelopes: Sequence[Sequence[str]]) -> list[ReportVerdict]:
    """Read a mail once, and judge it for each of several envelopes with which it came."""
    root = read_parts(raw)
    verdict = _judged(root, raw, depth=0)
    return [_for(root, verdict, came_to) for came_to in envelopes]


def _for(root: MimePart, verdict: ReportVerdict, came_to: Sequence[str]) -> ReportVerdict:
    to_addresses = [*came_to, *root.all_headers(*_CAME_TO)]
    own = _tokens(to_addresses)
    tokens = tuple(dict.fromkeys((*own, *verdict.tokens)))
    kind = verdict.kind
    if own and own[0].purpose is Purpose.UNSUBSCRIBE and kind in (ReportKind.NONE, ReportKind.AUTO_REPLY):
        # Mail programs and providers write to this address for a person; out-of-office replies have no reason to.
        by_subject = nonstandard_bounce.patterns().auto_subject.search(root.header("subject").strip()[:400])
        kind = ReportKind.AUTO_REPLY if by_subject else ReportKind.UNSUBSCRIBE
    return ReportVerdict(
        kind=kind,
        recipients=verdict.recipients,
        tokens=tokens,
        message_id=verdict.message_id,
        returned_to=verdict.returned_to,
        occurred_at=_date(root),
        feedback_type=verdict.feedback_type,
    )


def _judged(root: MimePart, raw: bytes, *, depth: int) -> ReportVerdict:
    parts = root.walk()
    text = nonstandard_bounce.report_text(root)
    returned_to = tuple(dict.fromkeys(text.addresses("to", "cc", "x-envelope-to")))[:50]
    kind, recipients, feedback, more = ReportKind.NONE, [], "", []
    report = next((part for part in parts if part.content_type == feedback_report.FEEDBACK_TYPE), None)
    if report is not None:
        block, _ = read_headers(decoded(report.body, report.header("content-transfer-encoding")).lstrip(b"\n"))
        feedback = feedback_report.feedback_type(block)
        kind = feedback_report.kind_of(feedback)
        more = [value for name, value in block if name in ("original-mail-from", "original-envelope-id")]
        if kind is not ReportKind.NONE:
            recipients = feedback_report.complaining(block, returned_to)
    elif (kind := feedback_report.kind_without_report(root)) is not ReportKind.NONE:
        recipients = feedback_report.complaining(text.returned, returned_to) if kind is ReportKind.COMPLAINT else []
    else:
        recipients = _standard(parts, text)
        if recipients:
            kind = ReportKind.BOUNCE
        else:
            kind, recipients = _by_text(root, raw, text)
    if depth == 0 and kind is ReportKind.BOUNCE and not _standard(parts, text):
        # A gateway that wraps the report of another server in one of its own.
        for part in parts:
            if part.is_message and part.parts and part.parts[0].content_type == "multipart/report":
                inner = _judged(part.parts[0], b"", depth=1)
                if inner.kind is ReportKind.BOUNCE:
                    return inner
    return ReportVerdict(
        kind=kind,
        recipients=tuple(recipients),
        tokens=_tokens([*more, *(value for name, value in text.returned if name in _CARRY)]),
        message_id=_message_id(text),
        returned_to=returned_to,
        feedback_type=feedback,
    )


def _standard(parts: list[MimePart], text: ReportText) -> list[ReportedRecipient]:
    """The recipients of a report of RFC 3464, also of one whose parts are not where they belong."""
    for part in parts:
        if part.content_type in dsn.STATUS_TYPES and (
            found := dsn.read_recipients(dsn.status_blocks(part), text.words)
        ):
            return found
    if "final-recipient:" in text.words.lower():
        return dsn.read_recipients(dsn.blocks_of(text.words.encode("utf-8", "replace")), text.words)
    return []


def _by_text(root: MimePart, raw: bytes, text: ReportText) -> tuple[ReportKind, list[ReportedRecipient]]:
    auto = nonstandard_bounce.looks_like_auto_reply(root, text)
    bounce = nonstandard_bounce.looks_like_bounce(root, text)
    by_subject = nonstandard_bounce.patterns().subject.search(root.header("subject")[:400])
    if bounce and not (auto and not by_subject and not root.header("x-failed-recipients")):
        return ReportKind.BOUNCE, nonstandard_bounce.read_bounce(root, text, lambda: _by_fallback(raw))
    if not auto and (found := _by_fallback(raw)):
        return ReportKind.BOUNCE, found
    return (ReportKind.AUTO_REPLY if auto else ReportKind.NONE), []


def _by_fallback(raw: bytes) -> list[ReportedRecipient]:
    """The recipients that flufl.bounce finds; it knows old and rare shapes, and says nothing of the reason."""
    if not raw or len(raw) > MAX_OCTETS or raw[:_MOST_FOR_FALLBACK].lower().count(b"boundary=") > _MOST_BOUNDARIES:
        return []
    try:
        from flufl.bounce import all_failures

        getLogger("flufl.bounce").disabled = True  # it logs each mail that its detectors cannot read

        temporary, permanent = all_failures(message_from_bytes(raw[:_MOST_FOR_FALLBACK]))
        found = [(Action.DELAYED, one) for one in temporary] + [(Action.FAILED, one) for one in permanent]
        return [
            ReportedRecipient(address=address, action=action)
            for action, octets in sorted(found)
            if ADDRESS.fullmatch(address := octets.decode("utf-8", "replace"))
        ]
    except Exception:  # a package that reads mails of strangers, and is not ours
        return []


def _tokens(values: Sequence[str]) -> tuple[TokenFound, ...]:
    found = []
    for value in values:
        found += [TokenFound(_PURPOSES[one[1].lower()], one[2].lower()) for one in _TOKEN_ADDRESS.finditer(value)]
        found += [TokenFound(Purpose.UNSUBSCRIBE, one[1].lower()) for one in _TOKEN_LINK.finditer(value)]
    return tuple(dict.fromkeys(found))


def _message_id(text: ReportText) -> str:
    for name, value in text.returned:
        if name == "message-id" and (found := _MESSAGE_ID.search(value)):
            return found[1]
    return ""


def _date(root: MimePart) -> datetime | None:
    values = [root.header("date"), *(value.rpartition(";")[2] for value in root.all_headers("received")[:1])]
    for value in values:
        try:
            moment = parsedate_to_datetime(value.strip()[:100])
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
