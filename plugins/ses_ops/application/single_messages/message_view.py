"""One single message as a page, a command or a program sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.single_message import RecipientKind
from ses_ops.domain.single_message_status import PENDING, SingleMessageStatus, status_of
from ses_ops.errors import Explanation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from ses_ops.domain.feedback import Feedback
    from ses_ops.storage.events.timeline import StoredEvent
    from ses_ops.storage.single_messages.finding import RecipientRow, SingleMessageRow


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientView:
    """One recipient of a message."""

    #: Of a message that has not left, in the form for comparing (lower case).
    address: str
    kind: RecipientKind
    status: SingleMessageStatus
    tries: int = 0
    #: The server's answer, or why the message is suppressed.
    code: int | None = None
    words: str | None = None
    changed_at: datetime | None = None
    next_try_at: datetime | None = None
    #: Why a pending message is not on its way; a Sentence, or empty.
    waits_for: str = ""
    #: Its place in the ledger, `(occurrence_id, seq)`; None: it has none.
    key: tuple[int, int] | None = None
    #: What others told of it, the gravest first.
    feedback: tuple[Feedback, ...] = ()
    last_event_at: datetime | None = None
    #: In the order in which they happened; only of `find`.
    events: tuple[StoredEvent, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEntry:
    """A moment of a message."""

    at: datetime
    #: `accepted`, `cancelled` or `refused`; a value of SingleMessageStatus, with what the mail server said; or the kind
    #: of an event (EventKind, EngagementKind).
    kind: str
    #: Whose; None: of the whole message.
    address: str | None = None
    code: int | None = None
    #: The server's words, or the event's.
    words: str = ""
    #: The stored event it is of.
    event: StoredEvent | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageView:
    """A message with its recipients."""

    row: SingleMessageRow
    recipients: tuple[RecipientView, ...]

    @property
    def id(self) -> UUID:
        """The id of the message."""
        return self.row.id

    @property
    def sender_domain(self) -> str:
        """The sender domain, which says who may see the message."""
        return self.row.sender_domain

    @property
    def status(self) -> SingleMessageStatus:
        """Where it stands as a whole."""
        return status_of(one.status for one in self.recipients)

    @property
    def shown_recipient(self) -> RecipientView:
        """The recipient whom a list shows: one who has the status of the whole, with what others told if they did."""
        return max((one for one in self.recipients if one.status == self.status), key=lambda one: len(one.feedback))

    @property
    def is_pending(self) -> bool:
        """Whether something may still happen to it by itself."""
        return any(one.status in PENDING for one in self.recipients)

    @property
    def refused(self) -> Explanation | None:
        """Why nobody got it when its time came."""
        found = self.row.refused
        return Explanation.read(found.get("code"), found.get("facts", {})) if found else None

    @property
    def timeline(self) -> list[TimelineEntry]:
        """Everything that is known of it, the oldest first; whole only in what `find` gives."""
        row = self.row
        entries = [TimelineEntry(at=row.accepted_at, kind="accepted")]
        if row.cancelled_at is not None:
            entries.append(TimelineEntry(at=row.cancelled_at, kind="cancelled"))
        if row.refused is not None and row.send_at is not None:
            entries.append(TimelineEntry(at=row.send_at, kind="refused", words=str(self.refused or "")))
        for one in self.recipients:
            entries += _of_recipient(one)
        return sorted(entries, key=lambda entry: (entry.kind != "accepted", entry.at))


def _of_recipient(one: RecipientView) -> list[TimelineEntry]:
    entries = []
    if one.changed_at is not None:
        words = one.words or str(one.waits_for)
        entries.append(
            TimelineEntry(at=one.changed_at, kind=one.status, address=one.address, code=one.code, words=words)
        )
    for event in one.events:
        # A clock that is years away would put the event before the message.
        at = event.occurred_at if event.occurred_at <= event.received_at else event.received_at
        entries.append(TimelineEntry(at=at, kind=event.kind, address=one.address, words=event.diagnostic, event=event))
    return entries


def view_of(row: SingleMessageRow, rows: Sequence[RecipientRow]) -> MessageView:
    """A message with the rows of the ledger that it became; without any, with the addresses that it waits for."""
    if rows:
        return MessageView(row=row, recipients=tuple(_recipient(row, one) for one in rows))
    status = _without_rows(row)
    waiting = tuple(
        RecipientView(address=key, kind=_kind(row, place), status=status, next_try_at=row.due_at)
        for place, key in enumerate(row.address_keys or ("",))
    )
    return MessageView(row=row, recipients=waiting)


def _recipient(row: SingleMessageRow, one: RecipientRow) -> RecipientView:
    return RecipientView(
        address=one.address,
        kind=_kind(row, one.place),
        status=SingleMessageStatus(one.status),
        tries=one.tries,
        code=one.smtp_code,
        words=one.smtp_text,
        changed_at=one.changed_at,
        next_try_at=one.next_try_at,
        waits_for=one.waits_for,
        key=(one.occurrence_id, one.seq),
    )


def _without_rows(row: SingleMessageRow) -> SingleMessageStatus:
    if row.cancelled_at is not None:
        return SingleMessageStatus.CANCELLED
    return SingleMessageStatus.REFUSED if row.refused is not None else SingleMessageStatus.SCHEDULED


def _kind(row: SingleMessageRow, place: int) -> RecipientKind:
    if place >= row.recipient_count - row.bcc_count:
        return RecipientKind.BCC
    return RecipientKind.CC if place >= row.recipient_count - row.bcc_count - row.cc_count else RecipientKind.TO
