"""The settings of the API for programs (`ses listen api`), of the environment.

Every setting is read by a call, never at import.

| setting | default | meaning |
| --- | --- | --- |
| SES_API_PORT, SES_API_HOST | 8060, 127.0.0.1 | where the API listens |
| SES_API_URL | none; `make run`: the API's own | address by which programs reach the API, for pages that show it |
| SES_API_PER_ADDRESS | 10 | messages an hour from one sender domain to one address, 1 to 10000 |
| SES_API_IDEMPOTENCY_HOURS | 24 | hours for which the answer to an Idempotency-Key is kept, 24 to 168 |
| SES_API_CONTENT_DAYS | 8 | days for which the content of a message is kept, 8 to 366 |
| SES_API_PER_SECOND | 4000 | requests a second of a key that names no limit of its own, 1 to 100000 |
| SES_REFERENCE_PER_SECOND | 20 | requests a second of a key and an action of the reference's API, 1 to 100000 |
| SES_REFERENCE_ZONE | Asia/Shanghai | time zone of the reference's API, whose times have no offset |
"""

from __future__ import annotations

import os
from zoneinfo import ZoneInfo

from ses_ops.domain.clock import zone
from ses_ops.errors import InvalidInput
from ses_ops.settings import listening_host, listening_port


def api_port() -> int:
    """The port of the API. Raises InvalidInput."""
    return listening_port("SES_API_PORT", 8060)


def api_host() -> str:
    """The address that the API listens on. Raises InvalidInput."""
    return listening_host("SES_API_HOST")


def api_url() -> str | None:
    """The address by which programs reach the API, without a slash at the end; None when nobody set it."""
    return os.environ.get("SES_API_URL", "").strip().rstrip("/") or None


def api_per_second() -> int:
    """Requests a second of a key without a limit of its own, in each process of the API. Raises InvalidInput."""
    return whole_number("SES_API_PER_SECOND", 4_000, 1, 100_000)


def api_per_address() -> int:
    """Messages an hour from one sender domain to one address. Raises InvalidInput."""
    return whole_number("SES_API_PER_ADDRESS", 10, 1, 10_000)


def api_idempotency_hours() -> int:
    """Hours for which the answer to a request with a key of its own is kept. Raises InvalidInput."""
    return whole_number("SES_API_IDEMPOTENCY_HOURS", 24, 24, 168)


def api_content_days() -> int:
    """Days for which what a message says is kept: longer than a `send_at` is ahead. Raises InvalidInput."""
    return whole_number("SES_API_CONTENT_DAYS", 8, 8, 366)


def reference_per_second() -> int:
    """Requests a second of a key and an action of the reference's API. Raises InvalidInput."""
    return whole_number("SES_REFERENCE_PER_SECOND", 20, 1, 100_000)


def reference_zone() -> ZoneInfo:
    """The time zone of the reference's API, whose times have no offset. Raises InvalidInput."""
    name = "SES_REFERENCE_ZONE"
    return zone(os.environ.get(name, "").strip() or "Asia/Shanghai", where=name)


def whole_number(name: str, default: int, least: int, most: int) -> int:
    """A setting that is a whole number within bounds. Raises InvalidInput."""
    given = os.environ.get(name, "").strip() or str(default)
    if not (given.isascii() and given.isdecimal() and len(given) <= 9 and least <= int(given) <= most):
        raise InvalidInput("not_a_number_between", given=given[:100], least=least, most=most, where=name)
    return int(given)
