"""The bounce mailbox: its mails are stored first, and leave its folder then."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from ses_ops.application.record_events import keep_unmatched
from ses_ops.application.report_mails import MailReader, ReadMails, record_mails
from ses_ops.errors import Explanation
from ses_ops.events.report_records import BOUNCE_MAIL, ReportRecords
from ses_ops.storage.connection import ValueRefused

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Mails that one run reads at most.
MOST_MAILS = 5_000
#: Errors of a value that is not taken now or later.
_NOT_TAKEN = (*ValueRefused, ValueError, TypeError)
_log = logging.getLogger(__name__)


class Mailbox(Protocol):
    """The mailbox, as `events/imap_mailbox.py` has it."""

    def mails(self, most: int) -> Iterator[list[tuple[str, bytes]]]:
        """Lists of (id, mail)."""
        ...

    def finish(self, read: Sequence[str], not_understood: Sequence[str]) -> None:
        """Take mails out of the folder."""
        ...


def read_mailbox(conn: Connection, mailbox: Mailbox, *, most: int = MOST_MAILS) -> ReadMails:
    """Read the mails of a mailbox. Raises DatabaseUnavailable and the mailbox's errors; what was stored stays."""
    reader = MailReader(conn)
    total = ReadMails(mails=0, new=0, repeated=0, unmatched=0, ignored=0)
    for group in mailbox.mails(most):
        found = [(uid, raw, reader.read(raw)) for uid, raw in group]
        done, refused = _recorded(conn, found)
        aside = [uid for uid, _, one in found if one.unmatched or uid in refused]
        mailbox.finish([uid for uid, _, _ in found if uid not in aside], aside)
        total += done
    return total


def _recorded(conn: Connection, found: Sequence[tuple[str, bytes, ReportRecords]]) -> tuple[ReadMails, set[str]]:
    """Record a group; where PostgreSQL refuses a value, one by one, and the mails that it refuses are set aside."""
    try:
        return record_mails(conn, [one for _, _, one in found]), set()
    except _NOT_TAKEN:
        conn.rollback()
    total, refused = ReadMails(mails=0, new=0, repeated=0, unmatched=0, ignored=0), set()
    for uid, raw, one in found:
        try:
            total += record_mails(conn, [one])
        except _NOT_TAKEN as cause:
            conn.rollback()
            _log.warning("the database refuses what mail %s says: %s", uid, cause)
            refused.add(uid)
            keep_unmatched(
                conn,
                source=BOUNCE_MAIL,
                source_id=f"refused.{blake2b(raw, digest_size=16).hexdigest()}",
                raw=raw,
                why=Explanation("mail_not_understood"),
            )
    return total, refused
