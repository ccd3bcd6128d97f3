"""Rates of requests: wrong tokens by client, and requests with one token.

A valid token is never limited by its client: all one-click requests of a mailbox provider come from a few addresses.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import ip_address


@dataclass(kw_only=True)
class RequestRate:
    """At most `most` in `seconds`, by key. It keeps no more than `keys` keys: those that were not seen longest go."""

    most: int
    seconds: float
    keys: int = 20_000
    _windows: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict, init=False)

    def allows(self, key: str) -> bool:
        """Count one; whether it is within the rate."""
        now = time.monotonic()
        began, count = self._windows.pop(key, (now, 0))
        if now - began >= self.seconds:
            began, count = now, 0
        self._windows[key] = began, count + 1
        if len(self._windows) > self.keys:
            self._windows.popitem(last=False)
        return count < self.most

    def forget(self, key: str) -> None:
        """Begin anew with a key."""
        self._windows.pop(key, None)


def network_of(client: str) -> str:
    """The address of a client; of an IPv6 client its network of 64 bits, which one subscriber has whole."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return client if address.version == 4 else address.exploded[:19]
