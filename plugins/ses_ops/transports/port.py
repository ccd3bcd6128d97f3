"""The port through which mail leaves: what a sender gives to a transport, and what it gets back.

A transport pulls: it asks its feed for the next envelope whenever a connection has room for one, and tells the feed
what became of it. Both calls are made in the event loop, one after another, so neither side needs a lock.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from ses_ops.domain.delivery_failure import DeliveryFailure
from ses_ops.errors import Explanation


class Delivery(Enum):
    """What became of one envelope."""

    #: The server took responsibility for it (2xx to the final dot).
    SENT = "sent"
    #: The server did not take it, and may do so later (4xx), or it was never really begun: safe to try again.
    DEFERRED = "deferred"
    #: The server, or a check before the first byte, refused it for good (5xx).
    FAILED = "failed"
    #: The final dot was written and no clear reply came: the server may have it or not. Never to be resent unasked.
    UNKNOWN = "unknown"


class Envelope(NamedTuple):
    """One message to one recipient. (A tuple, because one is made for every message.)"""

    #: The caller's own number; the transport only hands it back.
    seq: int
    #: Address for MAIL FROM, without angle brackets; "" is the null sender.
    sender: str
    #: Address for RCPT TO, without angle brackets.
    recipient: str
    #: Header and body in lines that end with CRLF, neither dot-stuffed nor ended by a dot: the transport does both.
    content: bytes
    #: Whoever made the content vouches for it: each CR and LF is part of a CRLF, the last line has one too, and no line
    #: begins with a dot. Looking for that takes a third of the time that rendering takes.
    dotless: bool = False
    #: It was refused before and is tried again because a person asked for it: another refusal is nothing new.
    refused_before: bool = False


class Outcome(NamedTuple):
    """The end of one envelope's journey through the transport."""

    delivery: Delivery
    #: SMTP reply code; a code also for local refusals (553, 552, ...); None when the server gave no reply.
    code: int | None
    #: The reply's text with its enhanced status code, or our own explanation: printable, at most 500 characters.
    text: str
    #: What a refusal is about; None when nothing was refused, or the server said nothing.
    failure: DeliveryFailure | None = None


class RefusedHere(Outcome):
    """A refusal by a check before the first byte: the server was not asked."""

    __slots__ = ()


class TooLate(Exception):
    """The feed no longer wants a message to begin that it gave out; `reason` says why."""

    def __init__(self, reason: Explanation) -> None:
        self.reason = reason
        super().__init__(reason)


class Feed(Protocol):
    """Where envelopes come from and outcomes go: implemented by the code that sends."""

    def next_envelope(self) -> Envelope | None:
        """The next envelope, or None when there is none at this moment: the transport asks again after `wake()`."""

    def content_begins(self, envelope: Envelope) -> None:
        """Called before the content is written: until then the server certainly does not have it.

        Raises TooLate when it must not be written any more.
        """

    def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        """Called exactly once for every envelope taken."""


class Transport(Protocol):
    """Sends what a feed gives. One transport serves one `run`. All methods belong to the event loop of `run`."""

    async def run(self, feed: Feed) -> None:
        """Send until `drain()` or `stop()` was called and every envelope taken has had its outcome.

        Raises TransportUnavailable when the server cannot be used; every envelope taken has had its outcome by then.
        """

    def wake(self) -> None:
        """The feed may have envelopes again."""

    def drain(self) -> None:
        """No more envelopes will come: finish as soon as the feed gives None."""

    def stop(self) -> None:
        """Take no new envelope from the feed; finish those whose dialogue has begun, defer the others."""

    def set_rate(self, messages_per_second: float | None) -> None:
        """Begin at most so many messages a second from now on; None: no limit."""

    @property
    def slowed_to(self) -> float | None:
        """Messages a second, while the server puts off most of what it gets; None while it does not."""
