"""Mails that came back, read from files, a pipe or a mailbox, and recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application.record_events import keep_unmatched, record_events
from ses_ops.events.report_records import BOUNCE_MAIL, FEEDBACK_REPORT, UNSUBSCRIBE_MAIL, ReportRecords, records_of
from ses_ops.events.tokens import Purpose, TokenReader
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import unmatched
from ses_ops.storage.events.token_secrets import token_secrets

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.message_event import MessageKey
    from ses_ops.storage.events.unmatched import UnmatchedEvent

#: Mails that are recorded in one transaction.
_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadMails:
    """What became of some mails."""

    mails: int
    #: Events that were new, those that were known already, and mails that were kept for a person.
    new: int
    repeated: int
    unmatched: int
    #: Mails that say nothing of a message, such as automatic replies.
    ignored: int

    def __add__(self, other: ReadMails) -> ReadMails:
        return ReadMails(**{name: getattr(self, name) + getattr(other, name) for name in ReadMails.__slots__})

    @property
    def sentence(self) -> str:
        """For a person at a terminal."""
        return (
            f"{self.mails:,} mails: {self.new:,} new events, {self.repeated:,} known already, "
            f"{self.unmatched:,} kept for a person, {self.ignored:,} say nothing of a message"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RereadMails:
    """What became of unmatched mails that were read again."""

    read: int
    understood: int


class MailReader:
    """Reads mails with the tokens of this installation."""

    def __init__(self, conn: Connection) -> None:
        """Reads the secrets. Raises DatabaseUnavailable."""
        with transaction(conn):
            secrets = token_secrets(conn)
        self._readers = {purpose: TokenReader(secrets, purpose) for purpose in Purpose}

    def read(self, raw: bytes, came_to: Sequence[str] = ()) -> ReportRecords:
        """What a mail stands for; never raises."""
        return records_of(raw, self._read_token, came_to=came_to)

    def _read_token(self, token: str, purpose: Purpose) -> tuple[MessageKey, int] | None:
        return self._readers[purpose].read(token)


def read_mails(
    conn: Connection, mails: Iterable[bytes], *, came_to: Sequence[str] = (), actor: Actor | None = None
) -> ReadMails:
    """Read mails and record what they say; what was read before changes nothing. Raises DatabaseUnavailable.

    `actor` is the person who reads them; None for a mail server's pipe, of which the audit log has no entries.
    """
    if actor is not None:
        with actor.recorded("read_mails") as recorded:
            done = read_mails(conn, mails, came_to=came_to)
            recorded["mails"], recorded["new"] = done.mails, done.new
        return done
    reader = MailReader(conn)
    total = ReadMails(mails=0, new=0, repeated=0, unmatched=0, ignored=0)
    waiting: list[ReportRecords] = []
    for raw in mails:
        waiting.append(reader.read(raw, came_to))
        if len(waiting) >= _AT_ONCE:
            total, waiting = total + record_mails(conn, waiting), []
    return total + record_mails(conn, waiting)


def record_mails(conn: Connection, mails: Sequence[ReportRecords]) -> ReadMails:
    """Record what mails say. Raises DatabaseUnavailable."""
    events = [event for mail in mails for event in mail.events]
    done = record_events(conn, events) if events else None
    kept = [one for mail in mails for one in mail.unmatched]
    new = [
        keep_unmatched(conn, source=one.source, source_id=one.source_id, raw=one.raw, why=one.why, kind=one.kind)
        for one in kept
    ]
    return ReadMails(
        mails=len(mails),
        new=done.new if done else 0,
        repeated=(done.repeated if done else 0) + new.count(False),
        unmatched=(done.unmatched if done else 0) + new.count(True),
        ignored=sum(not mail.records for mail in mails),
    )


def reread_mails(conn: Connection, actor: Actor) -> RereadMails:
    """Read the unmatched mails again; those that are understood now are recorded and closed."""
    reader = MailReader(conn)
    read = understood = 0
    with actor.recorded("reread_mails") as recorded:
        for source in (BOUNCE_MAIL, FEEDBACK_REPORT, UNSUBSCRIBE_MAIL):
            before: UnmatchedEvent | None = None
            while page := unmatched.page(conn, source=source, before=before, limit=_AT_ONCE):
                before = page[-1]
                for one in page:
                    read += 1
                    understood += _reread(conn, reader, one, actor.name)
        recorded["read"], recorded["understood"] = read, understood
    return RereadMails(read=read, understood=understood)


def _reread(conn: Connection, reader: MailReader, one: UnmatchedEvent, by: str) -> bool:
    _, raw = unmatched.find(conn, one.id)
    found = reader.read(raw)
    if not found.events or record_events(conn, found.events).unmatched:
        return False
    with transaction(conn):
        unmatched.close(conn, [one.id], by=by)
    return True
