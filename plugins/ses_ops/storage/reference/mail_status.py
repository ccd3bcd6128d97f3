"""What became of mail, a line a message and recipient, as the reference lists it: a day's, by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class MailStatus:
    """One message to one recipient."""

    #: As a client knows it: of a send task OCCURRENCE-SEQ.
    message_id: str
    sender: str
    requested_at: datetime
    address: str
    #: A value of MessageState.
    state: str
    smtp_code: int | None
    #: The server's words, or why it is suppressed.
    smtp_text: str | None
    changed_at: datetime | None
    #: A value of FinalOutcome.
    outcome: int
    complained: bool
    unsubscribed: bool
    #: When something was told of it last, and in what words.
    told_at: datetime | None
    told: str
    opened: bool
    clicked: bool
    #: Of a suppressed message: whether its recipient has unsubscribed.
    has_left: bool


def page(
    conn: Connection,
    *,
    since: datetime,
    until: datetime,
    domains: Collection[str] | None,
    reference_id: str | None = None,
    id: UUID | None = None,
    of_task: tuple[int, int] | None = None,
    address_keys: Sequence[str] | None = None,
    offset: int,
    limit: int,
) -> list[MailStatus]:
    """Lines of mail that was asked for in a span of time, the oldest first.

    `domains`: of these sender domains (None: of all); `reference_id`, `id` or `of_task` (occurrence and seq): of this
    message; `address_keys`: to one person, then also of send tasks.
    """
    occurrence_id, seq = of_task or (None, None)
    return fetch_rows(
        conn,
        MailStatus,
        _SQL["mail_status"],
        since=since,
        until=until,
        domains=None if domains is None else list(domains),
        # Nothing has this name: of a message of a task no single message is to be found.
        reference_id="" if of_task else reference_id,
        id=None if id is None else str(id),
        address_keys=None if address_keys is None else list(address_keys),
        occurrence_id=occurrence_id,
        seq=seq,
        of_tasks=of_task is not None or (address_keys is not None and reference_id is None and id is None),
        offset=offset,
        limit=limit,
    )
