"""Signatures of the last minutes: one is for one request, so that a captured one is of no use for another.

The reference's Python client signs neither the action nor, if told so, the body. The first request that comes with a
signature decides what it is for. A client that makes two equal requests in one second makes two equal signatures; later
than that only somebody who captured a request, or a proxy that repeats one by itself, comes with it again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.signature import TOLERANCE, not_proved

if TYPE_CHECKING:
    from ses_ops.api.tencent.signature import Claim

#: Seconds for which an equal request may come again: its clock counts whole seconds, and the way here takes a moment.
EQUAL_WITHIN = 3.0
#: Most signatures that are kept; the oldest goes first. About 150 bytes each.
_MOST = 100_000


class SeenSignatures:
    """The signatures that this process has seen, as far as they may still be valid. Used by one thread."""

    def __init__(self, most: int = _MOST) -> None:
        #: Of a signature: what it was for, and when it came first (monotonic seconds).
        self._seen: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()
        self._most = most

    def use(self, claim: Claim, content: bytes, *, now: float) -> None:
        """Note a signature that is valid; raise ActionError when it was for another request, or came too long ago.

        `content` is the body or the query, `now` in monotonic seconds.
        """
        self._forget(now)
        name = hashlib.blake2b(b"\0".join((claim.secret_id.encode(), claim.signature)), digest_size=16).digest()
        purpose = hashlib.blake2b(b"\0".join((claim.action.encode(), content)), digest_size=16).digest()
        before = self._seen.get(name)
        if before is None:
            self._seen[name] = (purpose, now)
        elif before[0] != purpose:
            raise not_proved()
        elif now - before[1] > EQUAL_WITHIN:
            raise ActionError("AuthFailure.SignatureExpire", "The signature is expired: it was used before.")

    def _forget(self, now: float) -> None:
        """A signature that was made ahead of our clock is valid for twice the tolerance."""
        while self._seen:
            oldest = next(iter(self._seen.values()))[1]
            if len(self._seen) < self._most and now - oldest <= 2 * TOLERANCE:
                return
            self._seen.popitem(last=False)
