"""A single message as the native API answers it: its recipients, what became of each, its timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.rest.answers import moment

if TYPE_CHECKING:
    from ses_ops.application.single_messages.message_view import MessageView, RecipientView, TimelineEntry
    from ses_ops.errors import Explanation


def message_object(view: MessageView) -> dict[str, Any]:
    """A message without its timeline. It has no text of the mail: that is not given out again."""
    row = view.row
    return {
        "id": str(view.id),
        "status": view.status.value,
        "pending": view.is_pending,
        "accepted_at": moment(row.accepted_at),
        "send_at": moment(row.send_at),
        "from": row.sender,
        "sender_domain": row.sender_domain,
        "subject": row.subject,
        "template": row.template,
        "template_version": row.template_version,
        "reference": row.reference,
        "tags": list(row.tags),
        "key": row.key_id,
        "source": row.source,
        "repeats": None if row.repeats is None else str(row.repeats),
        "cancelled_at": moment(row.cancelled_at),
        "refused": _reason(view.refused),
        "recipients": [_recipient(one) for one in view.recipients],
    }


def timeline_object(view: MessageView) -> dict[str, Any]:
    """A message with its timeline, the oldest entry first."""
    return {**message_object(view), "timeline": [_entry(one) for one in view.timeline]}


def _recipient(one: RecipientView) -> dict[str, Any]:
    return {
        "address": one.address,
        "kind": one.kind.value,
        "status": one.status.value,
        "tries": one.tries,
        "smtp_code": one.code,
        "words": one.words,
        "changed_at": moment(one.changed_at),
        "next_try_at": moment(one.next_try_at),
        "waits_for": str(one.waits_for) or None,
        "feedback": [each.value for each in one.feedback],
        "ledger": None if one.key is None else {"occurrence": one.key[0], "seq": one.key[1]},
    }


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    event = entry.event
    return {
        "at": moment(entry.at),
        "kind": str(entry.kind),
        "address": entry.address,
        "smtp_code": entry.code,
        "words": entry.words or None,
        "source": None if event is None else event.source,
        "status": None if event is None else event.status,
        "verdict": None if event is None else event.verdict or None,
    }


def _reason(refused: Explanation | None) -> dict[str, str] | None:
    return None if refused is None else {"code": refused.code, "detail": str(refused)}
