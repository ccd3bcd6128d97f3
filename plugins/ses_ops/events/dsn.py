"""Delivery status notifications: RFC 3464, and RFC 6533 for addresses that are not ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ses_ops.domain.message_event import MAX_DIAGNOSTIC
from ses_ops.events.failure_words import best_failure
from ses_ops.events.mime_parts import MimePart, decoded, read_headers
from ses_ops.events.report_verdict import Action, ReportedRecipient

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
#: Recipients of one report that are read.
MAX_RECIPIENTS = 200

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_ADDRESS = re.compile(r"[^\s<>;,:\"()]+@[^\s<>;,:\"()]+")
#: Words of servers that keep to no standard, beside those of `Action`.
_ACTIONS = {one.value: one for one in Action} | {
    "failure": Action.FAILED,
    "fail": Action.FAILED,
    "expired": Action.FAILED,
    "delay": Action.DELAYED,
    "deferred": Action.DELAYED,
    "deliverable": Action.DELIVERED,
}

#: Fields that a recipient has once.
_ONCE = frozenset({"final-recipient", "action", "status", "diagnostic-code"})

#: The headers of one block of a report.
Block = list[tuple[str, str]]


def status_blocks(part: MimePart) -> list[Block]:
    """The blocks of headers of a delivery status part; the first is about the message."""
    return blocks_of(decoded(part.body, part.header("content-transfer-encoding")))


def blocks_of(octets: bytes) -> list[Block]:
    """The blocks of headers in a text, separated by empty lines."""
    blocks: list[Block] = []
    for piece in re.split(rb"\n(?:[ \t]*\n)+", octets.strip(b"\n"), maxsplit=MAX_RECIPIENTS + 2)[: MAX_RECIPIENTS + 2]:
        headers, _ = read_headers(piece)
        if headers:
            blocks.append(headers)
    return blocks


def read_recipients(blocks: Sequence[Block], words: str) -> list[ReportedRecipient]:
    """What a report says of its recipients; `words` is its text for people, read where a block says too little."""
    told = []
    for block in blocks:
        fields: dict[str, str] = {}
        for name, value in block:
            if name in _ONCE and name in fields:  # the empty line between two recipients is missing
                told.append(fields)
                fields = {}
            fields.setdefault(name, value)
        told.append(fields)
    told = [fields for fields in told if "final-recipient" in fields or "original-recipient" in fields][:MAX_RECIPIENTS]
    found = [_recipient(fields, words, alone=len(told) == 1) for fields in told]
    return list({one.address.lower(): one for one in reversed(found)}.values())[::-1]  # some say it twice


def _recipient(fields: dict[str, str], words: str, *, alone: bool) -> ReportedRecipient:
    in_status = _STATUS.search(fields.get("status", ""))
    status = ".".join(str(int(one)) for one in in_status.groups()) if in_status else ""
    diagnostic = " ".join(fields.get("diagnostic-code", "").split())
    action = _action(fields.get("action", ""), status)
    final, original = address_in(fields.get("final-recipient", "")), address_in(fields.get("original-recipient", ""))
    failure = None
    if action in (Action.FAILED, Action.DELAYED):
        failure = best_failure(
            status, diagnostic, words, final or original, permanent=action is Action.FAILED, alone=alone
        )
    return ReportedRecipient(
        address=original or final,
        final=final,
        action=action,
        status=status,
        diagnostic=(diagnostic or (" ".join(words.split()) if alone else ""))[:MAX_DIAGNOSTIC],
        failure=failure,
    )


def _action(given: str, status: str) -> Action:
    word = re.match(r"[a-z]*", given.strip().lower())
    known = _ACTIONS.get(word[0] if word else "")
    if known is not None:
        return known
    if status.startswith("2"):
        return Action.DELIVERED
    return Action.DELAYED if status.startswith("4") and not given else Action.FAILED


def address_in(value: str) -> str:
    """The address in a field such as `rfc822; <a@b.example>`, "" for none."""
    found = _ADDRESS.search(value.partition(";")[2] or value)
    return found[0].rstrip(".")[:320] if found else ""
