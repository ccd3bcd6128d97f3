"""Values of providers' events: texts, times, and the verdict on a server's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NamedTuple

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason, Stage, classify

#: The texts that PostgreSQL does not store: NUL, and halves of surrogate pairs.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
#: The reply code in words such as `smtp; 550 5.1.1 user unknown`, `550-5.1.1 ...`.
_CODE = re.compile(r"(?:^|[\s;:(\[])([45]\d\d)(?=[\s-]|$)")
_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_PREFIX = re.compile(r"^\s*(?:smtp|x-[a-z0-9-]+|unix)\s*;\s*", re.IGNORECASE)
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
    "no such address"; it decides where the server's words say nothing else. Only a permanent refusal whose reason is
    that there is no such address is hard.
    """
    said = _PREFIX.sub("", text(words)).strip()
    found = _CODE.search(said)
    number = _reply_code(code) or (int(found[1]) if found else None)
    own = _STATUS.fullmatch(text(status).strip())
    if not said and own is None and number is None:
        hard = permanent and missing
        return Verdict(DeliveryFailure(Reason.NO_SUCH_ADDRESS, "") if hard else None, hard)
    if own is not None and not _STATUS.search(said):
        said = f"{own[1]} {said}"
    if number is None:
        shown = _STATUS.search(said)
        number = 450 if (shown and shown[1].startswith("4")) or not permanent else 550
    failure = classify(number, said, Stage.RECIPIENT)
    if failure.no_such_address and not permanent:
        return Verdict(failure._replace(reason=Reason.RECIPIENT_REFUSED), False)
    if missing and permanent and number >= 500 and failure.reason is Reason.RECIPIENT_REFUSED:
        failure = failure._replace(reason=Reason.NO_SUCH_ADDRESS)
    return Verdict(failure, permanent and failure.no_such_address)


def _reply_code(value: object) -> int | None:
    """A reply code that stands by itself; None for none, and for numbers of a provider's own such as 605."""
    given = text(value)
    return int(given) if re.fullmatch(r"[45]\d\d", given) else None
