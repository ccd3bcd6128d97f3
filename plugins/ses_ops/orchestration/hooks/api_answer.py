"""Answers of the API of ses-ops that are no success, as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.errors import SesError

if TYPE_CHECKING:
    import httpx

#: Seconds for which a request is kept waiting at most because the API asks for that (Retry-After).
LONGEST_WAIT = 30.0
#: Statuses of a problem that may be gone soon. A request of which the first answer is still being made is 409.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_PROGRESS = "idempotency_in_progress"
#: Characters of the longest text of an answer that is shown.
_LONGEST_TEXT = 500


class ApiUnavailable(SesError):
    """The API cannot be reached, or asks to be asked again later; a retry may succeed."""

    #: Seconds after which the API wants to be asked again; None: it did not say.
    retry_after: float | None = None


class ApiRefused(SesError):
    """The API refuses a request; the same request would be refused again."""

    #: Status of HTTP, and the code of the API's answer.
    status: int = 0
    problem: str = ""
    #: The field that is wrong.
    wrong_field: str | None = None


def error_of(answer: httpx.Response) -> ApiUnavailable | ApiRefused:
    """The error of an answer with a status of 300 or more (RFC 9457: application/problem+json)."""
    given = _problem(answer)
    problem = _text(given.get("code")) or f"http_{answer.status_code}"
    says = _text(given.get("detail")) or _text(given.get("title")) or answer.reason_phrase or "no reason given"
    if answer.status_code in PASSING or problem == _IN_PROGRESS:
        later = ApiUnavailable("api_answers_later", status=answer.status_code, says=says)
        later.retry_after = _seconds(answer.headers.get("retry-after"))
        return later
    refused = ApiRefused("api_refuses", status=answer.status_code, problem=problem, says=says)
    refused.status, refused.problem = answer.status_code, problem
    refused.wrong_field = _text(given.get("field")) or None
    return refused


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:  # a proxy's page
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: object) -> str:
    return " ".join(found.split())[:_LONGEST_TEXT] if isinstance(found, str) else ""


def _seconds(given: str | None) -> float | None:
    """The seconds of Retry-After. The API gives no date, which RFC 9110 would allow."""
    try:
        return max(0.0, float(given)) if given else None
    except ValueError:
        return None
