"""What a connection and the transport that it belongs to say to each other."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, TypeVar

from ses_ops.errors import Explanation
from ses_ops.transports.port import Envelope, Outcome

#: A connection as its transport knows it.
Connection_contra = TypeVar("Connection_contra", contravariant=True)

#: How many connections are opened at the same time.
OPENING_AT_ONCE = 8
#: How long a server has to answer QUIT, in seconds: nothing depends on its answer.
GOODBYE = 2.0


class Chance(IntEnum):
    """What an envelope has used up when its connection goes away under it."""

    #: The way in which its commands were written was too much for the server: it is tried again in a plainer one.
    FRAMING = 0
    #: The server had not looked at it, after serving others: it allows so many messages a connection, or shuts down.
    USED_CONNECTION = 1
    #: It was the first on a new connection: perhaps the envelope is the reason. Two of these are too many.
    NEW_CONNECTION = 25
    #: The server had begun to judge it: what is known is its outcome.
    ALL = 1_000


class Chances:
    """What the envelopes have used that lost a connection before the server judged them."""

    #: One fresh connection, or up to so many that had served others and were at their end.
    MOST = 40

    def __init__(self) -> None:
        self._used: dict[int, int] = {}

    def used_up(self, envelope: Envelope, chance: Chance) -> bool:
        """Take this chance from an envelope. Whether it was the last."""
        used = self._used[envelope.seq] = self._used.get(envelope.seq, 0) + chance
        return used > self.MOST


class Pool(Protocol[Connection_contra]):
    """What a connection needs of the transport that it belongs to."""

    @property
    def ever_accepted(self) -> bool:
        """Whether the server has taken any message in this run."""

    def take(self) -> Envelope | None:
        """The next envelope to send, if there is one now."""

    def content_begins(self, envelope: Envelope) -> None:
        """The content of this envelope is written next."""

    def replied(self, envelope: Envelope, outcome: Outcome) -> None:
        """The server (or a check before the first byte) settled this envelope."""

    def dropped(self, envelope: Envelope, outcome: Outcome, *, chance: Chance) -> None:
        """The connection went away under this envelope, and so much of a chance with it."""

    def idle(self, connection: Connection_contra) -> None:
        """The connection has nothing to do."""

    def gone(self, connection: Connection_contra, reason: Explanation) -> None:
        """The connection is closed; its envelopes have been reported."""

    def give_up(self, error: Exception) -> None:
        """The server will take no mail under these settings: end the run, after what is under way."""
