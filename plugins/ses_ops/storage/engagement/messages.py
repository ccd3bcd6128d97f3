"""The messages that opens and clicks name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.events.recording import MessageId
from ses_ops.storage.named_sql import fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedMessage:
    """A message, what its counts are kept by, and when it came to its recipient."""

    occurrence_id: int
    seq: int
    address: str
    address_key: str
    task_id: int
    sender_domain: str
    sent_day: datetime
    #: By the MX of the recipient's domain; None: not looked up.
    known_provider: str | None
    #: When the next server took it; None: it has not left.
    sent_at: datetime | None
    #: When the recipient's provider took it, by the word of the sending provider; None: not told.
    delivered_at: datetime | None

    @property
    def arrived_at(self) -> datetime | None:
        """What rules of time count from."""
        return self.delivered_at or self.sent_at


def find(conn: Connection, keys: Collection[MessageId]) -> dict[MessageId, TrackedMessage]:
    """The messages of the ledger with these keys."""
    found = fetch_rows(conn, TrackedMessage, _SQL["messages"], **arrays(keys))
    return {MessageId(one.occurrence_id, one.seq): one for one in found}


def engaged(conn: Connection, keys: Collection[MessageId]) -> list[MessageId]:
    """Of some messages those that have opens or clicks."""
    return fetch_rows(conn, MessageId, _SQL["engaged"], **arrays(keys))


def recently_engaged(conn: Connection, *, since: datetime, after: MessageId, limit: int) -> list[MessageId]:
    """Messages with an event that came since a moment and whose device data is there, in the order of their keys."""
    asked = {"since": since, "occurrence_id": after.occurrence_id, "seq": after.seq, "limit": limit}
    return fetch_rows(conn, MessageId, _SQL["recently_engaged"], **asked)


def arrays(keys: Iterable[MessageId]) -> dict[str, list[int]]:
    """Keys as the parameters `occurrences` and `seqs`, in their order."""
    both = sorted(keys)
    return {"occurrences": [key.occurrence_id for key in both], "seqs": [key.seq for key in both]}
