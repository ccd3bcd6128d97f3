"""Signatures of the last minutes: a captured request is soon worth nothing, as its signature is refused later.

The reference's Python client signs neither the action nor, if told so, the body, and its clock counts whole seconds:
two requests of one second with the same body have the same signature, whatever they ask for. So an equal signature is
taken for some seconds. Later only somebody who captured a request comes with it, or a proxy that repeats one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.signature import TOLERANCE

if TYPE_CHECKING:
    from ses_ops.api.tencent.signature import Claim

#: Seconds after its first use for which a signature is taken again: that of the client's clock, and the way here.
EQUAL_WITHIN = 10.0
#: Most signatures that are kept; the oldest goes first. About 150 bytes each.
_MOST = 100_000


class SeenSignatures:
    """The signatures that this process has seen, as far as they may still be valid. Used by one thread."""

    def __init__(self, most: int = _MOST) -> None:
        #: When each came first, in monotonic seconds.
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._most = most

    def use(self, claim: Claim, *, now: float) -> None:
        """Note a signature that is valid, in monotonic seconds; raise ActionError when it first came too long ago."""
        self._forget(now)
        name = hashlib.blake2b(b"\0".join((claim.secret_id.encode(), claim.signature)), digest_size=16).digest()
        if now - self._seen.setdefault(name, now) > EQUAL_WITHIN:
            raise ActionError("AuthFailure.SignatureExpire", "The signature is expired: it was used before.")

    def _forget(self, now: float) -> None:
        """A signature that was made ahead of our clock is valid for twice the tolerance."""
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if len(self._seen) < self._most and now - oldest <= 2 * TOLERANCE:
                return
            self._seen.popitem(last=False)
