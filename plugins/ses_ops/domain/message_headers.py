"""Further headers that a program may give a single message: those of an allow-list, and `X-` headers.

A header that says who sends, who receives, what the parts are, or what a mail server has done with the message is ours.
So are the `X-` headers by which mail providers take orders: with `X-SMTPAPI` a message would reach whom it names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ses_ops.errors import InvalidInput

MAX_HEADERS = 20
#: Characters of a name, and of a value: a line has 998 octets (RFC 5322 2.1.1).
MAX_NAME, MAX_VALUE = 60, 900
ALLOWED = frozenset(
    {
        *("in-reply-to", "references", "importance", "priority", "sensitivity", "organization", "keywords", "comments"),
        *("thread-topic", "thread-index", "mail-reply-to"),
    }
)
#: Beginnings of `X-` headers that a mail provider reads as orders, or that only mail servers write.
_OF_PROVIDERS = (
    *("x-smtpapi", "x-sg-", "x-ses-", "x-mc-", "x-mailgun-", "x-pm-", "x-mj-", "x-msys-", "x-mailin-", "x-sib-"),
    *("x-mailjet-", "x-postmark-", "x-sparkpost-", "x-mandrill-", "x-elasticemail-", "x-tencent-", "x-qq-"),
    *("x-auto-response-suppress", "x-received", "x-envelope-", "x-original-to", "x-forwarded-", "x-report-abuse"),
    *("x-feedback-id", "x-csa-", "x-kumo", "x-virtual-mta", "x-job", "x-gnu-", "x-failed-recipients", "x-loop"),
)
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9-]{{0,{MAX_NAME - 1}}}").fullmatch
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_MESSAGE_IDS = re.compile(r"(?:\s*<[!-;=?-~]{1,400}>)+\s*").fullmatch


def checked_headers(headers: object) -> dict[str, str]:
    """The headers in their order, with values of one line. Raises InvalidInput, which names the header."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise InvalidInput("not_headers", field="headers")
    if len(headers) > MAX_HEADERS:
        raise InvalidInput("too_many_names", count=len(headers), most=MAX_HEADERS, field="headers")
    found: dict[str, str] = {}
    for name, value in headers.items():
        if not isinstance(name, str) or not _NAME(name):
            raise InvalidInput("not_a_header_name", name=str(name)[:80], field="headers")
        field = f"headers.{name}"
        if not is_allowed(name):
            raise InvalidInput("header_not_allowed", name=name, known=sorted(ALLOWED), field=field)
        if name.lower() in map(str.lower, found):
            raise InvalidInput("header_twice", name=name, field=field)
        found[name] = _checked(name, value, field)
    return found


def is_allowed(name: str) -> bool:
    """Whether a program may set a header of this name."""
    lower = name.lower()
    return lower in ALLOWED or (lower.startswith("x-") and len(lower) > 2 and not lower.startswith(_OF_PROVIDERS))


def _checked(name: str, value: object, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("not_a_text", value=str(value)[:80], field=field)
    if _CONTROL(value):
        raise InvalidInput("control_character", field=field)
    if len(value.encode()) > MAX_VALUE:
        raise InvalidInput("text_too_long", count=len(value), most=MAX_VALUE, field=field)
    if name.lower() in ("in-reply-to", "references") and not _MESSAGE_IDS(value):
        raise InvalidInput("not_a_message_id", value=value[:80], field=field)
    return value.strip()
