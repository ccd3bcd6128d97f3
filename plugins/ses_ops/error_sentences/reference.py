"""Errors of what only the reference's API changes."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "address_is_suppressed": "{address} is on the suppression list already",
    "identity_exists": "the sender domain {domain} is noted already",
    "identity_has_senders": "the sender domain {domain} has sender addresses",
    "identity_not_found": "there is no sender domain {name}",
    "sender_exists": "{address} is a sender address already",
    "sender_not_found": "there is no sender address {name}",
    "too_many_senders": "the sender domain {domain} has {most} sender addresses; it can have no more",
    "unsubscribe_config_exists": "{address} has an unsubscribe link already",
    "unsubscribe_config_not_found": "{name} has no unsubscribe link of its own",
}
