"""Why an event found no message, and what cannot be done with events and entries that need a decision."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "event_address_differs": "the message that the event names went to another address",
    "event_message_not_found": "the message that the event names is not in the ledger",
    "event_names_no_message": "the event names no message of ours",
    "message_not_found": "there is no message named {name!r}",
    "no_suppressions_wait": "no suppressions of {provider} wait for a decision",
    "unmatched_event_not_found": "there is no unmatched event with the number {name}",
}
