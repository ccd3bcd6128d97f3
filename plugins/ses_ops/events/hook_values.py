"""Values of providers' events: texts, times, and the verdict on a server's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NamedTuple

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason, Stage
from ses_ops.domain.report_failure import classify_report, reply_codes, stage_in

#: The texts that PostgreSQL does not store: NUL, and halves of surrogate pairs.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
#: Statuses that are about the address, or say nothing.
_OF_ADDRESS = re.compile(r"|5\.0\.0|5\.1\.[0-36]")
#: Seconds since 1970 of the years in which an event can lie, 2000 to 2099.
_FIRST, _LAST = 946_684_800, 4_102_444_800
_FRACTION = re.compile(r"(\.\d{6})\d+")


class Verdict(NamedTuple):
    """What a refusal means."""

    failure: DeliveryFailure | None
    #: The address does not exist.
    hard: bool


def clean(value: str) -> str:
    """A text that can be stored."""
    return _NOT_STORABLE.sub("\ufffd", value)


def text(value: object) -> str:
    """A text or number of JSON as a text; anything else is no text, ""."""
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """An object of JSON; anything else is empty."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """An array of JSON; anything else is empty."""
    return value if isinstance(value, list) else []


def moment(value: object) -> datetime | None:
    """A time: seconds (or milliseconds) since 1970 as number or text, or ISO 8601; None for anything else.

    A text without a zone is UTC.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    except ValueError:
        return _iso(str(value))
    if not isfinite(seconds):
        return None
    if seconds > 10 * _LAST:
        seconds /= 1000
    return datetime.fromtimestamp(seconds, UTC) if _FIRST <= seconds < _LAST else None


def _iso(value: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()[:64]))
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        return read if _FIRST <= read.timestamp() < _LAST else None
    except (ValueError, OverflowError):
        return None


def verdict(
    words: object, *, permanent: bool, status: object = "", code: object = None, missing: bool = False
) -> Verdict:
    """The verdict on a server's words.

    `permanent`: the provider says that it does not try again. `missing`: the provider's own word for this refusal is
    "no such address"; it decides where the server's words say nothing else. Only a permanent refusal is hard.
    """
    said, number = text(words).strip(), _reply_code(code)
    if number is not None and not reply_codes(said):
        said = f"{number} {said}".strip()
    # The reason is that of the server's words; whether the refusal is final is the provider's word.
    final = permanent or any(code >= 500 for code in reply_codes(said))
    failure = classify_report(status=text(status).strip(), diagnostic=said, permanent=final)
    if failure is not None and failure.hard and not permanent:
        failure = failure._replace(reason=Reason.RECIPIENT_REFUSED)
    if permanent and missing and ((failure is None and not said) or _says_nothing_else(failure, said)):
        failure = DeliveryFailure(Reason.NO_SUCH_ADDRESS, failure.status if failure else "")
    return Verdict(failure, permanent and failure is not None and failure.hard)


def _says_nothing_else(failure: DeliveryFailure | None, said: str) -> bool:
    """Whether a refusal may mean that there is no such address, though its words do not say so."""
    return (
        failure is not None
        and failure.reason is Reason.RECIPIENT_REFUSED
        and _OF_ADDRESS.fullmatch(failure.status) is not None
        and stage_in(said) in (None, Stage.RECIPIENT)
        and all(code >= 500 for code in reply_codes(said))
    )


def _reply_code(value: object) -> int | None:
    """A reply code that stands by itself; None for none, and for numbers of a provider's own such as 605."""
    given = text(value)
    return int(given) if re.fullmatch(r"[45]\d\d", given) else None
