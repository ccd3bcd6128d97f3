"""Examples of the native API's answers, from which the OpenAPI document is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ses_ops.domain.mail_statistics import MailCounts, facts


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value of an example that is null where there is none."""

    value: Any


@dataclass(frozen=True, slots=True)
class Loose:
    """A value of an example of which others may have any form."""

    value: Any


EXAMPLE_PROBLEM = {
    "type": "urn:ses-ops:problem:address_without_at_sign",
    "title": "Bad Request",
    "status": 400,
    "code": "address_without_at_sign",
    "detail": "'ann' has no @",
    "field": "to[0]",
}
ID = "019ac0de-7a11-7c3e-8a52-6f0d1f2b3c4d"
_MOMENT = "2026-11-30T09:15:02.128000Z"

NEW_MESSAGE = {
    "from": "Codes <codes@mail.example.com>",
    "to": ["ann@example.com"],
    "subject": "Your code is {{ code }}",
    "text": "Your code is {{ code }}. It is valid for 10 minutes.",
    "values": {"code": "394 021"},
    "reference": "sign-in-4711",
    "tags": ["sign-in"],
}
ACCEPTED = {
    "id": ID,
    "status": "accepted",
    "accepted_at": _MOMENT,
    "recipients": [{"address": "ann@example.com", "kind": "to", "status": "queued"}],
}
BATCH_RESULT = {"accepted": 1, "refused": 0, "results": [{"status": "accepted"}]}
_RECIPIENT = {
    "address": "ann@example.com",
    "kind": "to",
    "status": "sent",
    "tries": 1,
    "smtp_code": Maybe(250),
    "words": Maybe("2.0.0 Ok: queued as 4bT2xR"),
    "changed_at": Maybe(_MOMENT),
    "next_try_at": Maybe(_MOMENT),
    "waits_for": Maybe("no quota is left today"),
    "feedback": ["delivered"],
    "ledger": Maybe({"occurrence": 12, "seq": 345}),
}
MESSAGE = {
    "id": ID,
    "status": "sent",
    "pending": False,
    "accepted_at": _MOMENT,
    "send_at": Maybe(_MOMENT),
    "from": "Codes <codes@mail.example.com>",
    "sender_domain": "mail.example.com",
    "subject": "Your code",
    "template": Maybe("sign-in-code"),
    "template_version": Maybe(3),
    "reference": Maybe("order-4711"),
    "tags": ["receipt"],
    "key": "AKIDexample",
    "source": "rest",
    "repeats": Maybe(ID),
    "cancelled_at": Maybe(_MOMENT),
    "refused": Maybe({"code": "quota_used_up", "detail": "No quota is left today."}),
    "recipients": [_RECIPIENT],
}
_ENTRY = {
    "at": _MOMENT,
    "kind": "delivered",
    "address": Maybe("ann@example.com"),
    "smtp_code": Maybe(250),
    "words": Maybe("2.0.0 Ok: queued as 4bT2xR"),
    "source": Maybe("amazon_ses"),
    "status": Maybe("2.0.0"),
    "verdict": Maybe("person"),
}
MESSAGE_WITH_TIMELINE = {**MESSAGE, "timeline": [_ENTRY]}
EVENT = {
    "id": "3f0e9d6c-0a43-5d0e-2bb1-8a90c1d3f6aa",
    "kind": "bounced",
    "occurred_at": _MOMENT,
    "received_at": _MOMENT,
    "recipient": "ann@example.com",
    "message_id": Maybe(ID),
    "reference": Maybe("order-4711"),
    "tags": ["receipt"],
    "task": Maybe("spring-sale"),
    "ledger": {"occurrence": 12, "seq": 345},
    "sender_domain": "mail.example.com",
    "source": "bounce_mail",
}
_SUMS = facts(MailCounts(), ())
_RATE = {**next(iter(_SUMS["rates"].values())), "share": Maybe(0.5)}
_COUNTS = {**_SUMS, "rates": dict.fromkeys(_SUMS["rates"], _RATE)}
STATISTICS = {
    "first": "2026-11-01",
    "last": "2026-11-30",
    "time_zones": {},
    "total": _COUNTS,
    "rows": [_COUNTS],
    "cut": False,
}
QUOTA = {
    "domain": "mail.example.com",
    "quota": {
        "mode": Maybe("calendar"),
        "plan": Maybe([300, 450]),
        "started_on": Maybe("2026-11-01"),
        "time_zone": Maybe("Asia/Tokyo"),
        "daily_limit": Maybe(100_000),
        "problem": Maybe({"code": "quota_entry_missing", "detail": "There is no entry."}),
        "today": Maybe(
            {
                "number": 12,
                "starts_at": _MOMENT,
                "ends_at": _MOMENT,
                "allotment": 3_000,
                "used": 1_200,
                "reserved": 0,
                "single": 200,
                "set_aside": 0,
                "left": 1_800,
                "limited_by": "plan",
                "blocked_until": Maybe(_MOMENT),
                "blocked_why": Maybe("Too many complaints."),
            }
        ),
        "backlog": 0,
    },
    "level": Maybe(4),
    "bounce_domain": Maybe("bounces.mail.example.com"),
    "track": {"opens": False, "clicks": False},
}
QUOTA_DAY = {"number": 12, "starts_at": _MOMENT, "ends_at": _MOMENT, "allotment": 3_000, "reserved": 0, "used": 1_200}
DOMAIN_CHANGE = {"bounce_domain": "bounces.mail.example.com"}
DECIDE = {"action": "cap", "level": 8, "reason": "the server takes no more"}
DECISION = {
    "id": 17,
    "decided_at": _MOMENT,
    "kind": "cap",
    "level_before": Maybe(9),
    "level_after": Maybe(8),
    "effective_at": _MOMENT,
    "shadow": False,
    "why": "rises no higher than level 8",
    "by": Maybe("shop (API key)"),
    "reason": Maybe("the server takes no more"),
}
PLAN_ENTRY = {"plan": "standard", "started_on": "2026-11-01", "time_zone": "Asia/Tokyo"}
PLAN = {"domain": "mail.example.com", "entry": Loose(PLAN_ENTRY)}
PLAN_ASKED = {"domain": "mail.example.com", "entry": Loose(PLAN_ENTRY), "status": "asked"}
TEMPLATE_LINE = {
    "name": "receipt",
    "origin": "stored",
    "number": Maybe(100_001),
    "title": Maybe("Receipt"),
    "version": Maybe(3),
    "subject": Maybe("Your order {{ number }}"),
    "parts": ["html", "text"],
    "written_at": Maybe(_MOMENT),
}
TEMPLATE = {
    **TEMPLATE_LINE,
    "text": Maybe("Thank you for {{ number }}."),
    "html": Maybe("<p>Thank you for {{ number }}.</p>"),
    "variables": ["number"],
    "problem": Maybe({"code": "template_engine_says", "detail": "A tag is not closed."}),
    "created_at": Maybe(_MOMENT),
    "written_by": Maybe("shop (API key)"),
}
TEMPLATE_VERSION = {
    "version": 3,
    "subject": Maybe("Your order {{ number }}"),
    "written_at": _MOMENT,
    "written_by": "shop (API key)",
}
NEW_TEMPLATE = {
    "name": "receipt",
    "title": "Receipt",
    "subject": "Your order {{ number }}",
    "text": "Thank you for {{ number }}.",
}
PREVIEW = {"subject": "Your order 4711", "text": "Thank you for 4711.", "html": Maybe("<p>Thank you for 4711.</p>")}
