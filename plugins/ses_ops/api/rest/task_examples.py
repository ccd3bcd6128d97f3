"""Examples of answers about send tasks, groups and the suppression list."""

from __future__ import annotations

from ses_ops.api.rest.examples import Maybe

_MOMENT = "2026-11-30T09:15:02.128000Z"
COUNTS = {
    "request_count": 1_000,
    "sent_count": 900,
    "failed_count": 3,
    "suppressed_count": 7,
    "unknown_count": 0,
    "cancelled_count": 0,
    "cached_count": 90,
    "retrying_count": 0,
    "queued_count": 0,
    "in_progress_count": 0,
}
TASK = {
    "id": 12,
    "name": "spring-sale",
    "type": "scheduled",
    "status": "sending",
    "sender": "Shop <news@mail.example.com>",
    "sender_domain": "mail.example.com",
    "template": "newsletter",
    "subject": Maybe("Spring is here, {{ name }}"),
    "group": Maybe("customers"),
    "schedule": "Once at 2026-12-01 09:00 Asia/Tokyo",
    "time_zone": "Asia/Tokyo",
    "next_run_at": Maybe(_MOMENT),
    "next_starts": [_MOMENT],
    "error": Maybe("mail.example.com: the quota Variable has no entry for it"),
    "reason": Maybe("today's quota is used up"),
    "paused_by_person": False,
    "counts": COUNTS,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
DEFINITION = {
    "name": "spring-sale",
    "type": "scheduled",
    "template": "newsletter",
    "subject": Maybe("Spring is here, {{ name }}"),
    "sender": "Shop <news@mail.example.com>",
    "group": Maybe("customers"),
    "reply_to": Maybe("answers@mail.example.com"),
    "start_at": Maybe("2026-12-01T09:00:00+09:00"),
    "time_zone": "Asia/Tokyo",
    "every": Maybe("7d"),
    "cron": Maybe("0 9 * * MON"),
    "until": Maybe("2026-12-31"),
    "unsubscribe": "en",
    "unsubscribe_url": Maybe("https://shop.example.com/unsubscribe?of={{ id }}"),
    "advertisement": "none",
    "track": Maybe({"opens": Maybe(True), "clicks": Maybe(False)}),
    "start_grace": Maybe("3600s"),
    "on_unknown": "hold",
    "roles": ["Marketing"],
}
#: A body that makes a task: what is left out has its usual value.
NEW_TASK = {
    "type": "immediate",
    "template": "newsletter",
    "sender": "Shop <news@mail.example.com>",
    "group": "customers",
}
WRITTEN = {"applied": "created", "definition": DEFINITION}
DECIDED = {"changed": True, "count": Maybe(3), "run_id": Maybe("api__5f1d"), "task": TASK}
START = {
    "number": 1,
    "run_id": "scheduled__2026-12-01T00:00:00+00:00",
    "slot": Maybe(_MOMENT),
    "created_at": _MOMENT,
    "finished_at": Maybe(_MOMENT),
    "goes_on_at": Maybe(_MOMENT),
    "held_reason": Maybe("the start was missed"),
    "counts": COUNTS,
}
TASK_MESSAGE = {
    "start": 1,
    "occurrence": 12,
    "seq": 345,
    "address": "ann@example.com",
    "status": "sent",
    "tries": 1,
    "smtp_code": Maybe(250),
    "words": Maybe("2.0.0 Ok: queued as 4bT2xR"),
    "changed_at": Maybe(_MOMENT),
    "next_try_at": Maybe(_MOMENT),
    "feedback": ["delivered"],
}
GROUP = {
    "name": "customers",
    "description": "All who bought something",
    "variables": ["name"],
    "recipient_count": 1_000,
    "empty_is_missing": False,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
GROUP_SHOWN = {**GROUP, "suppressed_count": 7, "tasks": ["spring-sale"]}
RECIPIENT = {"position": 1, "address": "ann@example.com", "values": {"name": "Ann"}, "suppressed": Maybe("hard_bounce")}
RECIPIENTS = {"recipients": [{"address": "ann@example.com", "values": {"name": "Ann"}}]}
IMPORTED = {
    "group": "customers",
    "created": False,
    "read": 2,
    "added": 1,
    "recipients": 1_001,
    "rejected_count": 1,
    "rejected": [{"position": 2, "reason": "the address has no @"}],
}
SUPPRESSION = {
    "address": "ann@example.com",
    "scope": "",
    "reason": "manual",
    "note": "asked by phone",
    "source": "",
    "added_by": "ann",
    "created_at": _MOMENT,
    "expires_at": Maybe(_MOMENT),
    "expired": False,
}
SUPPRESS = {"addresses": ["ann@example.com"], "reason": "manual", "note": "asked by phone"}
SUPPRESSED = {"changed": True, "count": 1}
