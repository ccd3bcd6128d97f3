"""The JSON schema of a new message, as `domain/message_fields.py` reads it."""

from __future__ import annotations

from typing import Any

from ses_ops.domain.message_fields import (
    MAX_COPIES,
    MAX_REFERENCE,
    MAX_SUBJECT,
    MAX_TAG,
    MAX_TAGS,
    MAX_TO,
)
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage

_ADDRESS = {"type": "string", "description": "`ann@example.com` or `Ann <ann@example.com>`."}


def _addresses(most: int, words: str) -> dict[str, Any]:
    several = {"type": "array", "items": _ADDRESS, "minItems": 1, "maxItems": most}
    return {"oneOf": [_ADDRESS, several], "description": words}


_ATTACHMENT = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "content": {"type": "string", "format": "byte", "description": "Base64 (RFC 4648, section 4)."},
        "type": {"type": "string", "description": "MIME type; left out: by the name."},
        "content_id": {"type": "string", "description": "For `cid:` in the HTML part."},
    },
    "required": ["name", "content"],
    "additionalProperties": False,
}
_PROPERTIES: dict[str, Any] = {
    "from": {"type": "string", "description": "The sender; its domain is one of the key's."},
    "to": _addresses(MAX_TO, "Each gets a mail of its own, unless `shared` or `cc` or `bcc` is given."),
    "cc": _addresses(MAX_COPIES, "Everybody sees them."),
    "bcc": _addresses(MAX_COPIES, "Nobody sees them."),
    "shared": {"type": "boolean", "description": "One mail for all of `to`, who see each other."},
    "reply_to": _ADDRESS,
    "subject": {"type": "string", "maxLength": MAX_SUBJECT, "description": "With a template it may be left out."},
    "text": {"type": "string", "description": "The text part, with variables `{{ name }}`."},
    "html": {"type": "string", "description": "The HTML part; without `text` one is made of it."},
    "template": {"type": "string", "description": "Name of a template, in place of `text` and `html`."},
    "values": {"type": "object", "description": "Values of the variables: texts, numbers, lists and objects."},
    "verbatim": {"type": "boolean", "description": "`subject`, `text` and `html` have no variables."},
    "headers": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Further headers."},
    "attachments": {"type": "array", "items": _ATTACHMENT, "maxItems": 10},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": MAX_TAG}, "maxItems": MAX_TAGS},
    "reference": {"type": "string", "maxLength": MAX_REFERENCE, "description": "Your own name for the message."},
    "unsubscribe": {
        "anyOf": [{"enum": [one.value for one in UnsubscribeLanguage]}, {"const": False}],
        "description": "Language of the link at the end of the mail; it makes the mail `marketing`.",
    },
    "marketing": {
        "type": "boolean",
        "description": "People who have unsubscribed from the sender domain are left out.",
    },
    "track": {
        "type": "object",
        "properties": {"opens": {"type": "boolean"}, "clicks": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "send_at": {"type": "string", "format": "date-time", "description": "At most 7 days ahead, with an offset."},
}
MESSAGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": _PROPERTIES,
    "required": ["from"],
    "additionalProperties": False,
}
