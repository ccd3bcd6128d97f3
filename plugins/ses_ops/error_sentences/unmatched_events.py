"""Why an event changed nothing but the list of unmatched events."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "event_address_differs": "the message that the event names went to another address",
    "event_message_not_found": "the message that the event names is not in the ledger",
    "event_names_no_message": "the event names no message of ours",
}
