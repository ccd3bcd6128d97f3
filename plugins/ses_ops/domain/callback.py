"""Callbacks: which events are posted, in which formats, and when a failed post is tried again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import urlsplit

from ses_ops.errors import InvalidInput


class CallbackFormat(StrEnum):
    """The form of a post."""

    #: Standard Webhooks: signed, with all that the ledger knows.
    NATIVE = "native"
    #: The JSON of Tencent Cloud SES, field by field. It has no signature.
    TENCENT = "tencent"


class CallbackKind(StrEnum):
    """What is posted."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    DROPPED = "dropped"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    #: A server refused the message for good while it was sent.
    REFUSED = "refused"


#: The kind of a post that a person asks for, to try an endpoint. No endpoint chooses it.
TEST = "test"

#: Seconds from a failed try to the next; after the last one the event has failed, 27.6 hours after the first try.
RETRY_AFTER = (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
#: A try comes later than that by up to this share, so that what failed together does not come back together.
JITTER = 0.2
#: Days after which an endpoint that has only failed is stopped.
STOP_AFTER_DAYS = 5
#: Days for which an event waits (for an endpoint that is paused, say), and for which the list of posts is kept.
KEPT_DAYS = 7
#: Hours for which the secret before a rotation signs too.
FORMER_SECRET_HOURS = 24
#: Octets of the longest address.
LONGEST_URL = 2_000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def retry_after(tries: int, chance: float) -> float | None:
    """Seconds until the next try after the `tries`th has failed; None: the event has failed. `chance` is in [0, 1)."""
    if not 1 <= tries <= len(RETRY_AFTER):
        return None
    return RETRY_AFTER[tries - 1] * (1 + JITTER * chance)


def parse_name(given: str) -> str:
    """The name of an endpoint: lower case letters, digits and hyphens, at most 63. Raises InvalidInput."""
    name = given.strip()
    if not _NAME.fullmatch(name):
        raise InvalidInput("callback_name_not_usable", given=name[:100], field="name")
    return name


def parse_url(given: str) -> str:
    """An http or https address with a host, without a fragment. Raises InvalidInput, which never names it."""
    url = given.strip()
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        fine = fine and bool(parts.hostname) and "%" not in str(parts.hostname)
    except ValueError:
        fine = False
    if (
        not fine
        or parts.fragment
        or len(url) > LONGEST_URL
        or not (url.isascii() and url.isprintable() and " " not in url)
    ):
        raise InvalidInput("callback_url_not_usable", field="url")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("callback_url_has_login", field="url")
    return url


def parse_kinds(given: Iterable[str]) -> list[str]:
    """Kinds of events, each once, in the order of CallbackKind; none means all. Raises InvalidInput."""
    wanted = {one.strip() for one in given if one.strip()}
    if wrong := sorted(wanted - set(CallbackKind)):
        raise InvalidInput("callback_kind_not_known", given=wrong[0][:100], known=[kind.value for kind in CallbackKind])
    return [kind.value for kind in CallbackKind if kind in wanted]


def shown_url(url: str) -> str:
    """An address as pages and logs show it: scheme, host and port. What follows may be a secret."""
    parts = urlsplit(url)
    rest = "/…" if (parts.path.strip("/") or parts.query) else "/"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"
