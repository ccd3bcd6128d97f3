"""The signature of a callback: Standard Webhooks (standardwebhooks.com, specification 1.0), symmetric.

The header `webhook-signature` has one signature a valid secret, so a receiver that knows either of them can verify
during a rotation.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256

#: What the text of a secret begins with.
PREFIX = "whsec_"
#: Octets of a secret (the specification: 24 to 64).
SECRET_SIZE = 32


def new_secret() -> bytes:
    """A new secret."""
    return secrets.token_bytes(SECRET_SIZE)


def secret_text(secret: bytes) -> str:
    """A secret as a receiver's library takes it."""
    return PREFIX + base64.b64encode(secret).decode()


def signed_headers(webhook_id: str, timestamp: int, body: bytes, valid: Iterable[bytes]) -> dict[str, str]:
    """The headers of a post: `timestamp` in seconds since 1970; the signatures are over the octets of the body."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, signed, sha256)).decode() for secret in valid]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
