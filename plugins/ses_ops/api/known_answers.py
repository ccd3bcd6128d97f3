"""Answers that this process gave a moment ago, by idempotency key: a client that repeats asks no database.

PostgreSQL stays the judge: what is not known here is asked for there, and an answer never changes once it is given.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

#: Seconds for which an answer is known: a small part of the hours for which it is kept (SES_API_IDEMPOTENCY_HOURS).
KNOWN_FOR = 60.0
#: Answers that are known; one is some hundred octets.
MOST_KNOWN = 20_000
#: Octets of the longest answer that is known: to a message of a dozen recipients. PostgreSQL has the others.
MOST_OCTETS = 1_200


class KnownAnswer(NamedTuple):
    """The first answer to a request."""

    fingerprint: bytes
    until: float
    status: int
    #: Of the message, and the body.
    id: str
    body: bytes


class KnownAnswers:
    """The newest answers of this process."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], KnownAnswer] = OrderedDict()

    def find(self, key_id: str, key: str, fingerprint: bytes) -> KnownAnswer | None:
        """The answer to an equal request; None: it is not known here, or the request is another one."""
        found = self._known.get((key_id, key))
        if found is None or found.fingerprint != fingerprint or found.until < time.monotonic():
            return None
        return found

    def add(self, key_id: str, key: str, fingerprint: bytes, *, status: int, id: str, body: bytes) -> None:
        """Note an answer that was given, unless it is a long one."""
        if len(body) > MOST_OCTETS:
            return
        self._known.pop((key_id, key), None)
        self._known[key_id, key] = KnownAnswer(fingerprint, time.monotonic() + KNOWN_FOR, status, id, body)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
