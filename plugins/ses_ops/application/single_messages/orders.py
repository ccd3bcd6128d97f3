"""What is asked of acceptance, an order a single message, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from uuid import UUID

from ses_ops import api_settings
from ses_ops.domain.message_state import MessageState
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.single_message import RecipientKind, SingleMessage
    from ses_ops.sending.single.open_chunk import Mail


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptanceLimits:
    """Settings of acceptance; `AcceptanceLimits.of_environment()` has those of the installation."""

    #: Messages an hour from one sender domain to one address (SES_API_PER_ADDRESS).
    per_address: int = 10
    #: Hours for which the answer to a request with a key of its own is kept (SES_API_IDEMPOTENCY_HOURS).
    idempotency_hours: float = 24
    #: Seconds for which a request waits for an equal one that is under way.
    wait_for_equal: float = 5

    @classmethod
    def of_environment(cls) -> Self:
        """As the environment says (api_settings.py). Raises InvalidInput."""
        return cls(per_address=api_settings.api_per_address(), idempotency_hours=api_settings.api_idempotency_hours())


class AcceptedRecipient(NamedTuple):
    """A recipient of an accepted message."""

    address: str
    kind: RecipientKind
    #: `QUEUED`: it leaves, at once or when its time comes. `SUPPRESSED`: the suppression list has it.
    state: MessageState


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is on disk and will be tried."""

    id: UUID
    accepted_at: datetime
    recipients: tuple[AcceptedRecipient, ...]
    #: Whether it leaves at its `send_at`.
    scheduled: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """An equal request was accepted before: its answer."""

    status: int
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the message is written."""

    problem: SesError


Answer = Accepted | Replayed | Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Idempotency:
    """The key of a request of its own (Idempotency-Key)."""

    #: 1 to 255 visible ASCII characters, unique for the API key. The items of a batch have keys of their own.
    key: str
    #: A hash of method, path and canonical body.
    fingerprint: bytes
    #: Makes the answer of an accepted message, without anything of its content: equal requests get it as Replayed.
    answer: Callable[[Accepted], Mapping[str, Any]]


@dataclass(kw_only=True, slots=True)
class Order:
    """One single message to be accepted."""

    #: With the version of its template (`PreparedMail.message`).
    message: SingleMessage
    key: ApiKey
    #: `rest`, `tencent` or `console`.
    source: str
    prepared: Mail
    idempotency: Idempotency | None
    #: Of version 7 (RFC 9562).
    id: UUID
    #: The Message-ID that the reference's clients get; None for a native one.
    reference_id: str | None = None
    #: The message that this one repeats.
    repeats: UUID | None = None
    #: The moment of `time.monotonic` at which it was given to acceptance.
    since: float = field(default_factory=time.monotonic)
    #: Whether it was accepted before, and its `send_at` has come.
    due: bool = False
