"""Reasons for which a single message is refused, when it is asked for or when its time comes."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "acceptance_stopped": "the service is stopping; ask again in a moment",
    "address_limit_reached": (
        "{address} got {most} messages from {domain} in the last hour, and more are not accepted; "
        "SES_API_PER_ADDRESS is the limit"
    ),
    "api_key_revoked": "the key was revoked; a person makes another one",
    "idempotency_in_progress": "a request with this idempotency key is still under way; ask again in a second",
    "idempotency_key_reused": "another request has this idempotency key: its method, path or body is different",
    "recipient_suppressed": "every recipient is on the suppression list ({reasons})",
    "single_message_content_gone": "what the message says is not kept any more (SES_API_CONTENT_DAYS)",
    "single_message_has_left": "the message does not wait for its time any more",
    "single_message_not_storable": "the message has a character that cannot be stored: {cause}",
}
