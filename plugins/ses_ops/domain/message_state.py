"""The states of a message and of a chunk, as stored and as shown."""

from __future__ import annotations

from enum import StrEnum


class MessageState(StrEnum):
    """The state in the row of a message."""

    #: The message has not been tried yet; up to its chunk's `sending_through` mark it counts as being sent.
    QUEUED = "queued"
    #: The message is to be retried, after a deferral (4xx) or because a person asked for it.
    REQUEUED = "requeued"
    #: The message was requeued, and its next attempt may have begun.
    SENDING = "sending"
    #: The next server accepted the message (250 to the final dot).
    SENT = "sent"
    #: A server refused the message for good, with the SMTP code and text, or it expired.
    FAILED = "failed"
    #: The address was on the suppression list when the message would have left.
    SUPPRESSED = "suppressed"
    #: The process died or the connection broke at a point where only the server knows the outcome. Such a message is
    #: never resent by itself.
    UNKNOWN = "unknown"


class MessageStatus(StrEnum):
    """The status of a message on pages and in counts; each message has exactly one (docs/glossary.md).

    The status of pending messages is that of their chunk, which the view `chunk_now` works out.
    """

    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"
    #: The message was never sent, because its task was cancelled or deleted.
    CANCELLED = "cancelled"
    #: The message waits for quota, or for a person to resume its task.
    CACHED = "cached"
    #: The mail server deferred the message, or could not be reached; the message is retried.
    RETRYING = "retrying"
    #: The message waits for a reservation of quota or, with quota reserved, for a sender.
    QUEUED = "queued"
    #: A living sender holds the message.
    SENDING = "sending"


#: States of messages that have no outcome yet.
PENDING = frozenset({MessageState.QUEUED, MessageState.REQUEUED, MessageState.SENDING})


class ChunkState(StrEnum):
    """The state of a chunk, which is a range of messages."""

    #: The pending messages of the chunk wait for quota, for the next run, or for a person.
    CACHED = "cached"
    #: Quota is reserved for the pending messages of the chunk, and a run sends them.
    RESERVED = "reserved"
    #: No message of the chunk is pending.
    SETTLED = "settled"


class OnUnknown(StrEnum):
    """The policy of a task for messages in doubt (state `unknown`)."""

    #: List these messages and wait for a person (default): no recipient gets a mail twice.
    HOLD = "hold"
    #: Resend these messages, whether the sending process died or the connection was lost after the final dot: no
    #: recipient misses the mail, a few may get it twice. After three such attempts a message is held all the same.
    RESEND = "resend"
