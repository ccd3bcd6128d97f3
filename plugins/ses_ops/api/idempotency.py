"""`Idempotency-Key`: the key of a request, and the fingerprint by which an equal request is known.

Requests are equal when method, path and body mean the same: the order of members, white space and the form of numbers
(`1`, `1.0`, `1e0`) do not matter (draft-ietf-httpapi-idempotency-key-header, section 2.4).
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from ses_ops.errors import InvalidInput

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
#: Characters of the longest key.
MOST_KEY = 255
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MOST_KEY}}}")


def read_key(header: str | None) -> str | None:
    """The key of a request; None without the header. Raises InvalidInput for one that is not 1 to 255 visible ASCII."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise InvalidInput("idempotency_key_not_usable", field=HEADER)
    return header


def fingerprint(method: str, path: str, fields: Any) -> bytes:
    """A hash of what a request means. `fields` is its body as JSON values, without lone surrogates."""
    text = json.dumps(_canonical(fields), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(f"{method} {path}\n{text}".encode()).digest()


def _canonical(value: Any) -> Any:
    """The same values with one form of each number."""
    if isinstance(value, dict):
        return {name: _canonical(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def header_document() -> dict[str, Any]:
    """The header in an OpenAPI operation."""
    schema = {"type": "string", "minLength": 1, "maxLength": MOST_KEY, "pattern": "^[!-~]+$"}
    words = "Any text of your own, once a message: what is repeated with it is never sent twice."
    return {"parameters": [{"name": HEADER, "in": "header", "required": False, "description": words, "schema": schema}]}
