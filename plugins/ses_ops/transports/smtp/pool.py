"""The pool of connections, as one connection sees it: a protocol, and retry budgets."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, TypeVar

from ses_ops.errors import Explanation
from ses_ops.transports.port import Envelope, Outcome

#: The class of the connections in the pool.
Connection_contra = TypeVar("Connection_contra", contravariant=True)

#: Largest number of connections that are being opened at the same time.
OPENING_AT_ONCE = 8
#: Seconds that a server has to answer QUIT: nothing depends on the answer.
QUIT_TIMEOUT = 2.0


class RetryCost(IntEnum):
    """The part of its retry budget that an envelope loses with its connection."""

    #: The server did not bear the mode of pipelining: the envelope is retried in the next lower mode.
    FRAMING = 0
    #: The server had settled other messages over this connection and not begun to judge this envelope: the server
    #: limits the messages a connection, or shuts down.
    USED_CONNECTION = 1
    #: The envelope was the first on a new connection and may be the reason for the loss. Two of these are too many.
    NEW_CONNECTION = 25
    #: The server had begun to judge the envelope: there is no retry, the outcome is as known so far.
    ALL = 1_000


class RetryBudgets:
    """The retry budgets that envelopes have spent by losing connections before the server judged them."""

    #: The budget of an envelope: one new connection, or 40 connections that had settled other messages.
    BUDGET = 40

    def __init__(self) -> None:
        self._used: dict[int, int] = {}

    def spend(self, envelope: Envelope, cost: RetryCost) -> bool:
        """Add `cost` to what an envelope has spent. Returns whether its budget is overspent: then it is not retried."""
        used = self._used[envelope.seq] = self._used.get(envelope.seq, 0) + cost
        return used > self.BUDGET


class Pool(Protocol[Connection_contra]):
    """The calls that a connection makes to its transport."""

    @property
    def ever_accepted(self) -> bool:
        """Whether the server has taken any message in this run."""

    def take(self) -> Envelope | None:
        """The next envelope to send; None when there is none now."""

    def content_begins(self, envelope: Envelope) -> None:
        """Called before the content of this envelope is written. Raises EnvelopeWithdrawn."""

    def replied(self, envelope: Envelope, outcome: Outcome) -> None:
        """Called when the server, or a check before the first byte, has settled this envelope."""

    def dropped(self, envelope: Envelope, outcome: Outcome, *, cost: RetryCost) -> None:
        """Called when the connection of this envelope is lost: it is retried while its budget bears `cost`.

        `outcome` is the outcome without a retry.
        """

    def idle(self, connection: Connection_contra) -> None:
        """Called when the connection has no message to send."""

    def gone(self, connection: Connection_contra, reason: Explanation) -> None:
        """Called when the connection is closed; its envelopes have been reported by then."""

    def end_run(self, error: Exception) -> None:
        """End the run with this error, after the messages under way: the server takes no mail with these settings."""
