"""The life of a message: what is stored in a row, what is shown, and which way it can go."""

from __future__ import annotations

from enum import StrEnum


class MessageState(StrEnum):
    """What the row of a message holds."""

    #: Not tried yet. Behind its chunk's `sending_through` mark it counts as being sent.
    QUEUED = "queued"
    #: To be tried again: a temporary refusal, a retry asked for by a person.
    REQUEUED = "requeued"
    #: A requeued message whose new try may have begun.
    SENDING = "sending"
    #: The next server took it (250 after the final dot).
    SENT = "sent"
    #: Refused for good, with the SMTP code and text.
    FAILED = "failed"
    #: The address was on the suppression list when the mail would have left.
    SUPPRESSED = "suppressed"
    #: The process or connection died where only the server knows the outcome. Never sent again by itself.
    UNKNOWN = "unknown"


class MessageStatus(StrEnum):
    """What a person is shown, of one message and as counts: each message has exactly one (docs/glossary.md).

    Those of pending messages are said of a chunk as a whole, by the view `chunk_now`.
    """

    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"
    #: Never sent: its task was cancelled or deleted.
    CANCELLED = "cancelled"
    #: Waits for quota, or for a person to resume its task.
    CACHED = "cached"
    #: The mail server put it off, or was away; it is tried again.
    RETRYING = "retrying"
    #: Waits for its turn: for its share of the quota or, with it, for a sender.
    QUEUED = "queued"
    #: On its way: a living sender holds it.
    SENDING = "sending"


#: States in which a message still waits for its outcome.
PENDING = frozenset({MessageState.QUEUED, MessageState.REQUEUED, MessageState.SENDING})


class ChunkState(StrEnum):
    """Where a range of messages stands."""

    #: Its pending messages wait for quota, for the next run, or for a person.
    CACHED = "cached"
    #: Quota is reserved for its pending messages; a run sends them.
    RESERVED = "reserved"
    #: Nothing is pending.
    SETTLED = "settled"


class OnUnknown(StrEnum):
    """What a task does with messages whose fate a crash left open."""

    #: List them and wait for a person (default): nobody gets a mail twice.
    HOLD = "hold"
    #: Send them again, when the sending process died and when the connection was lost after the final dot: nobody
    #: misses the mail, a few may get it twice. After three tries that ended so it is held all the same.
    RESEND = "resend"
