"""Complaints as the reference lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_all, statements

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """A complaint of a recipient."""

    #: By the clock of its source; then by ours.
    occurred_at: datetime
    received_at: datetime
    source: str
    address: str
    sent_at: datetime | None
    sender: str
    sender_domain: str
    subject: str
    #: 0: no stored template.
    template_id: int
    message_id: str


def complaints(
    conn: Connection,
    *,
    since: datetime,
    until: datetime,
    domains: Collection[str] | None,
    sender: str | None,
    recipient_key: str | None,
    mailbox_domain: str | None,
    template_id: int | None,
    offset: int,
    limit: int,
) -> tuple[list[Complaint], int]:
    """Complaints that came in a span of time, the newest first, and their number (0 behind the last page)."""
    rows = fetch_all(
        conn,
        _SQL["complaints"],
        since=since,
        until=until,
        domains=None if domains is None else list(domains),
        sender=sender,
        recipient_key=recipient_key,
        mailbox_domain=mailbox_domain,
        template_id=template_id,
        offset=offset,
        limit=limit,
    )
    total = rows[0]["total"] if rows else 0
    return [Complaint(**{name: row[name] for name in row if name != "total"}) for row in rows], total
