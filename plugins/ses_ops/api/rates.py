"""Limits of requests: a second, by key; and at the same time, by key, so that nobody stands in the others' way."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from ses_ops.api.problems import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from ses_ops.domain.api_key import ApiKey

#: Requests of one key that are being answered at the same time.
MOST_AT_ONCE = 512
#: Keys of the ASGI scope: the headers of the answer, and the key whose request it is.
HEADERS, OWNER = "ses_ops.rate_headers", "ses_ops.key"


@dataclass(slots=True)
class BucketState:
    """Whether a request is within its limit."""

    allowed: bool
    limit: int
    #: Requests that may come now.
    remaining: int
    #: Seconds until the next may come, or until all may.
    wait: float


class Buckets:
    """Token buckets by name: a second's worth of requests at once, then evenly. Those not seen longest are dropped."""

    def __init__(self, names: int = 10_000) -> None:
        self._names = names
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def take(self, name: object, per_second: int) -> BucketState:
        """Count one request."""
        now = time.monotonic()
        seen, tokens = self._buckets.pop(name, (now, float(per_second)))
        tokens = min(float(per_second), tokens + (now - seen) * per_second)
        # The seconds that an answer names are rounded as floats are.
        allowed = tokens >= 1.0 - 1e-9
        if allowed:
            tokens = max(0.0, tokens - 1.0)
        self._buckets[name] = now, tokens
        if len(self._buckets) > self._names:
            self._buckets.popitem(last=False)
        missing = per_second - tokens if allowed else 1.0 - tokens
        return BucketState(allowed, per_second, int(tokens), missing / per_second)


class KeyRates:
    """The limits of keys. In several processes each counts for itself (docs/api.md)."""

    def __init__(self, per_second: int) -> None:
        #: Of keys that name no limit of their own.
        self.per_second = per_second
        self._buckets = Buckets()
        self._at_once: dict[str, int] = {}

    def take(self, key: ApiKey, request: Request) -> None:
        """Count a request of a key; its answer says what remains. Raises Refusal 429."""
        taken = self._buckets.take(key.id, key.per_second or self.per_second)
        request.scope[HEADERS] = (
            (b"ratelimit-limit", b"%d" % taken.limit),
            (b"ratelimit-remaining", b"%d" % taken.remaining),
            (b"ratelimit-reset", b"%d" % ceil(taken.wait)),
        )
        if not taken.allowed:
            after = {"Retry-After": str(ceil(taken.wait))}
            raise Refusal(429, "too_many_requests", limit=taken.limit, headers=after)
        at_once = self._at_once.get(key.id, 0)
        if at_once >= MOST_AT_ONCE:
            raise Refusal(429, "too_many_requests_at_once", limit=MOST_AT_ONCE, headers={"Retry-After": "1"})
        self._at_once[key.id] = at_once + 1
        request.scope[OWNER] = key.id

    def ended(self, key_id: str) -> None:
        """A request of a key has been answered."""
        left = self._at_once.get(key_id, 1) - 1
        if left > 0:
            self._at_once[key_id] = left
        else:
            self._at_once.pop(key_id, None)
