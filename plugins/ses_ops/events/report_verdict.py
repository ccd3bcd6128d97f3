"""The verdict on a mail that came back: its kind, and what it says of each recipient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ses_ops.domain.delivery_failure import DeliveryFailure
from ses_ops.events.tokens import Purpose


class ReportKind(StrEnum):
    """What a mail is."""

    #: A report on the delivery of a message, by a mail server.
    BOUNCE = "bounce"
    #: A report that somebody marked a message as spam.
    COMPLAINT = "complaint"
    #: An answer by a program of the recipient: out of office, received.
    AUTO_REPLY = "auto_reply"
    #: The wish for no more mail: a mail to the unsubscribe address, or a report of that kind.
    UNSUBSCRIBE = "unsubscribe"
    #: Anything else.
    NONE = "none"


class Action(StrEnum):
    """What a server did with a message to a recipient (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    #: Handed to a server that makes no reports.
    RELAYED = "relayed"
    #: Accepted and given to several addresses.
    EXPANDED = "expanded"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedRecipient:
    """What a report says of one recipient."""

    #: The address that the message was sent to, as far as the report knows (Original-Recipient, else Final-Recipient);
    #: "" for none.
    address: str = ""
    #: The address that failed, which differs where mail is forwarded (Final-Recipient).
    final: str = ""
    action: Action = Action.FAILED
    #: The enhanced status code (RFC 3463), "" where the report has none.
    status: str = ""
    #: The server's words.
    diagnostic: str = ""
    #: Of an action FAILED or DELAYED, where the words or the status say why.
    failure: DeliveryFailure | None = None

    @property
    def hard(self) -> bool:
        """Whether the address or its domain does not exist, or has moved."""
        return self.action is Action.FAILED and self.failure is not None and self.failure.hard


@dataclass(frozen=True, slots=True)
class TokenFound:
    """A token in a mail, not verified yet, and the purpose that its place says."""

    purpose: Purpose
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportVerdict:
    """The verdict on a mail."""

    kind: ReportKind
    recipients: tuple[ReportedRecipient, ...] = ()
    #: The tokens in the mail, the most trustworthy first.
    tokens: tuple[TokenFound, ...] = ()
    #: The Message-ID of the message that the mail is about, without angle brackets.
    message_id: str = ""
    #: The addresses that the returned message was sent to, by its own headers.
    returned_to: tuple[str, ...] = ()
    #: When it happened, by the clock of the reporting server; None: the mail does not say.
    occurred_at: datetime | None = None
    #: Of a feedback report: its Feedback-Type.
    feedback_type: str = ""
