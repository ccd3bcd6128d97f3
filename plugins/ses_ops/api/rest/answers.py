"""Answers of the native API: JSON, entity tags, conditional requests (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.rest.errors import PreconditionFailed

JSON_TYPE = "application/json"


def encoded(value: Any) -> bytes:
    """A value as the octets of JSON; moments in UTC (RFC 3339), spans in seconds, enums by their value."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )


def moment(at: datetime | None) -> str | None:
    """A moment in UTC as RFC 3339 has it, to the microsecond where it has some."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def etag_of(body: bytes) -> str:
    """The strong entity tag of a representation: a hash of its octets, in quotation marks."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def answer(
    request: Request, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, tagged: bool = True
) -> Response:
    """A value as the answer of a request, with its ETag; 304 without a body where the client has the same already."""
    body = encoded(value)
    more = {"Cache-Control": "private, no-cache", **(headers or {})}
    if tagged:
        more["ETag"] = etag_of(body)
        if request.method in ("GET", "HEAD") and _names(request.headers.get("if-none-match"), more["ETag"], weak=True):
            return Response(status_code=304, headers=more)
    return Response(body, status_code=status, headers=more, media_type=JSON_TYPE)


def require_match(request: Request, value: Any) -> None:
    """Refuse a change whose If-Match names another state than the present one, which `value` is as GET answers it.

    Without If-Match everything goes. Raises PreconditionFailed.
    """
    wanted = request.headers.get("if-match")
    if wanted is None:
        return
    if value is None or not _names(wanted, etag_of(encoded(value)), weak=False):
        raise PreconditionFailed


def require_absent(request: Request, value: Any) -> None:
    """Refuse to replace something where the client asked to make it (`If-None-Match: *`). Raises PreconditionFailed."""
    if value is not None and (request.headers.get("if-none-match") or "").strip() == "*":
        raise PreconditionFailed


def _names(header: str | None, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags has this one, or is `*`; weak comparison takes `W/` for nothing."""
    if header is None:
        return False
    given = [one.strip() for one in header.split(",")]
    if weak:
        given = [one.removeprefix("W/") for one in given]
    return etag in given or "*" in given
