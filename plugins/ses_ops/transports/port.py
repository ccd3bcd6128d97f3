"""The port through which mail leaves: envelopes go in, outcomes come back.

A transport pulls: it asks its feed for the next envelope whenever a connection has room for one, and tells the feed
the outcome. Both calls are made in the event loop, one after another, so neither side needs a lock.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from ses_ops.domain.delivery_failure import DeliveryFailure
from ses_ops.errors import Explanation


class Delivery(Enum):
    """The kind of outcome that one envelope had."""

    #: The server took responsibility for the message (2xx to the final dot).
    SENT = "sent"
    #: The server did not take the message and may do so later (4xx), or its content was not written: a retry is safe.
    DEFERRED = "deferred"
    #: The server, or a check before the first byte, refused the message for good (5xx).
    FAILED = "failed"
    #: The final dot was written and no clear reply came: the server may have the message or not. It is never resent
    #: unless a person, or the setting of the task, asks for that.
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
    #: The maker of the content vouches for three facts: each CR and LF is part of a CRLF, the last line ends with CRLF,
    #: and no line begins with a dot. A check of the three takes a third of the time that rendering takes.
    dotless: bool = False
    #: The message was refused before and a person asked for a retry: another refusal says nothing new of the server.
    refused_before: bool = False


class Outcome(NamedTuple):
    """The end of one envelope's journey through the transport."""

    delivery: Delivery
    #: SMTP reply code; a code also for local refusals (553, 552, ...); None when the server gave no reply.
    code: int | None
    #: The reply's text with its enhanced status code, or our own explanation: printable, at most 500 characters.
    text: str
    #: Fault and reason of a refusal; None when nothing was refused, or the server gave no reply.
    failure: DeliveryFailure | None = None


class LocalRefusal(Outcome):
    """A refusal by a check before the first byte: the server was not asked."""

    __slots__ = ()


class EnvelopeWithdrawn(Exception):
    """The feed takes back an envelope that it gave out: its content must not be written any more; `reason` is why."""

    def __init__(self, reason: Explanation) -> None:
        self.reason = reason
        super().__init__(reason)


class Feed(Protocol):
    """The source of envelopes and the sink of outcomes: implemented by `sending`."""

    def next_envelope(self) -> Envelope | None:
        """The next envelope, or None when there is none at this moment: the transport asks again after `wake()`."""

    def content_begins(self, envelope: Envelope) -> None:
        """Called before the content is written: until then the server certainly does not have the message.

        Raises EnvelopeWithdrawn when the content must not be written any more.
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
        """Begin at most `messages_per_second` from now on; None: no limit."""

    def leave_room(self) -> None:
        """Give a connection to others who need one."""

    @property
    def slowed_to(self) -> float | None:
        """Messages a second while the server defers most of the mail; None while it does not."""
