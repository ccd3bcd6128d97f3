"""The rows that an accepted order becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.single_messages.accepting import AnswerRow, MessageRow, as_json

if TYPE_CHECKING:
    from ses_ops.application.single_messages.orders import Accepted, Idempotency, Order


def message_row(order: Order, first: tuple[int, int] | None, *, later: bool) -> MessageRow:
    """The row of a message, and what it says; `first` is the occurrence and place of its first row of the ledger."""
    message = order.message
    count = len(message.to) + len(message.cc) + len(message.bcc)
    occurrence_id, first_seq = first or (None, None)
    return MessageRow(
        str(order.id),
        order.reference_id,
        order.key.id,
        order.source,
        message.sender.domain,
        str(message.sender),
        message.subject or "",
        message.template,
        message.template_version,
        message.reference,
        message.tags,
        count,
        len(message.cc),
        len(message.bcc),
        [address.key for _, address in message.recipients] if later else (),
        message.send_at,
        occurrence_id,
        first_seq,
        message.send_at if later else None,
        None if order.repeats is None else str(order.repeats),
        not order.due,
        b"" if order.due else message.stored,
    )


def answer_row(order: Order, idempotency: Idempotency, accepted: Accepted, hours: float) -> AnswerRow:
    """What equal requests are answered."""
    answer = as_json(idempotency.answer(accepted))
    return AnswerRow(order.key.id, idempotency.key, idempotency.fingerprint, hours, answer)
