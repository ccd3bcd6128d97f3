"""What is posted of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.callbacks.waiting_posts import Taken

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFacts:
    """An event that waits, with its message; what does not belong to its kind is None."""

    id: int
    kind: str
    occurred_at: datetime
    occurrence_id: int
    seq: int
    address: str
    address_key: str
    sent_at: datetime | None
    smtp_code: int | None
    smtp_text: str | None
    task_id: int
    task: str
    task_type: str
    start: int
    template: str
    sender: str
    sender_domain: str
    subject: str
    installation: str
    #: Of a single message: its id, the MessageId that a client of the reference got, the user's reference and tags.
    single_id: str | None
    reference_id: str | None
    reference: str | None
    tags: list[str]
    hard: bool | None
    source: str | None
    reason: str | None
    status: str | None
    diagnostic: str | None
    engagement_source: str | None
    verdict: int | None
    user_agent: str | None
    link: str | None
    #: Whether the event itself is still stored.
    known: bool


def event_facts(conn: Connection, taken: Sequence[Taken]) -> dict[int, StoredFacts]:
    """The facts of waiting events by their number; those whose message is not there any more are left out."""
    found = fetch_rows(
        conn,
        StoredFacts,
        _SQL["event_facts"],
        ids=[one.id for one in taken],
        keys=[one.event_key for one in taken],
        occurred=[one.occurred_at for one in taken],
        occurrences=[one.occurrence_id for one in taken],
        seqs=[one.seq for one in taken],
        kinds=[one.kind for one in taken],
    )
    return {one.id: one for one in found}
