"""Errors as answers: `application/problem+json` (RFC 9457) with a code, the field, and how to mend it."""

from __future__ import annotations

import dataclasses
import json
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ses_ops.errors import (
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    LookUpFailed,
    NotAccepted,
    NotFound,
    NotSetUp,
    QuotaError,
    QuotaExhausted,
    ResumeNotAllowed,
    SesError,
    StartNotAllowed,
    TemplateError,
    TransportUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
#: Seconds after which a client may try again where nothing better is known.
RETRY_AFTER = 5

#: Status by class, the first that fits.
_OF_CLASS: tuple[tuple[type[SesError], int], ...] = (
    (NotFound, 404),
    (StartNotAllowed, 403),
    (ResumeNotAllowed, 403),
    (Conflict, 409),
    (QuotaExhausted, 429),
    (QuotaError, 422),
    (TemplateError, 422),
    (InvalidInput, 400),
    (NotSetUp, 503),
    (LookUpFailed, 503),
    (DatabaseUnavailable, 503),
    (TransportUnavailable, 503),
)
#: Status by code, where the class says too little.
OF_CODE: dict[str, int] = {
    "address_limit_reached": 429,
    "api_key_revoked": 401,
    "recipient_suppressed": 422,
    "single_message_not_storable": 400,
    "values_missing": 422,
    "precondition_failed": 412,
    "template_changed_meanwhile": 412,
    "idempotency_key_reused": 422,
    "idempotency_in_progress": 409,
    "fernet_key_changed": 503,
}
#: How to mend it, by code: a sentence for the programmer of the client.
HINTS: dict[str, str] = {
    "api_key_missing": "send the header Authorization: Bearer ID:SECRET",
    "api_key_wrong": "ask for a key, which the console makes under Keys",
    "api_key_scope_missing": "use a key that has the scope",
    "api_key_domain_missing": "use a key that names the sender domain",
    "too_many_requests": "wait as long as Retry-After says; the limit of a key is on show under Keys",
    "too_many_requests_at_once": "send fewer requests at the same time",
    "body_too_large": "send less in one request",
    "body_encoded": "send the body without Content-Encoding",
    "body_not_json": "send the header Content-Type: application/json",
    "json_key_twice": "give each member of an object once",
    "json_not_readable": "send one JSON value in UTF-8",
    "json_too_deep": "nest at most 64 levels",
    "ledger_restored": "wait: this installation was restored from a backup, and its operator has to say how it goes on",
    "idempotency_key_reused": "use a new Idempotency-Key for another request",
    "idempotency_in_progress": "repeat the same request after Retry-After",
}


class Refusal(SesError):
    """A request that is refused before anything is done, with its status and headers."""

    def __init__(self, status: int, code: str, /, *, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(code, **facts)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is answered to an error."""

    status: int
    code: str
    detail: str
    field: str | None = None
    hint: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The members of the answer, also as an item of a batch's results."""
        made: dict[str, Any] = {
            "type": f"urn:ses-ops:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.field:
            made["field"] = self.field
        if self.hint:
            made["hint"] = self.hint
        return made

    @property
    def response(self) -> Response:
        """The answer."""
        content = json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return Response(content, self.status, dict(self.headers), MEDIA_TYPE)


def problem_of(error: SesError) -> Problem:
    """The answer to an error of ses-ops."""
    status = _status(error)
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if status in (429, 503) or error.code == "idempotency_in_progress":
        headers.setdefault("Retry-After", str(ceil(_wait(error))))
    where = error.facts.get("field")
    return Problem(
        status=status,
        code=error.code,
        # The field is a member of its own, and what only our side can mend is not told to everybody.
        detail=str(error.explanation.without("field")) if status < 500 else _BROKEN,
        field=None if where is None else str(where),
        hint=HINTS.get(error.code),
        headers=headers,
    )


_BROKEN = "this cannot be done now"
#: The answer to what nobody expected.
INTERNAL = Problem(status=500, code="internal_error", detail="something failed here; nothing of it is your fault")


def _wait(error: SesError) -> float:
    """Seconds until another try makes sense."""
    known = error.retry_after if isinstance(error, NotAccepted) else None
    return known or error.facts.get("retry_after") or RETRY_AFTER


def _status(error: SesError) -> int:
    if isinstance(error, Refusal):
        return error.status
    if (known := OF_CODE.get(error.code)) is not None:
        return known
    return next((status for kind, status in _OF_CLASS if isinstance(error, kind)), 500)
