"""Who opened or clicked: the messages of a task, with the numbers of opens and clicks by verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_statistics import Engaged

_SQL = statements(__file__)
#: Messages that are read at a time.
BATCH = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageOpens:
    """A message that was opened or clicked. MailCounts are events."""

    occurrence_id: int
    seq: int
    address: str
    opens_people: int
    opens_machines: int
    opens_unknown: int
    clicks_people: int
    clicks_machines: int
    clicks_unknown: int


def who(
    conn: Connection, task_id: int, what: Engaged, *, link_id: int | None = None, batch: int = BATCH
) -> Iterator[list[MessageOpens]]:
    """The messages in the order of sending, `batch` at a time; `link_id`: only those in which that link was clicked."""
    after = (0, 0)
    while True:
        rows = fetch_rows(
            conn,
            MessageOpens,
            _SQL["who"],
            task_id=task_id,
            what=what.value,
            link_id=link_id,
            after_occurrence=after[0],
            after_seq=after[1],
            limit=batch,
        )
        if rows:
            yield rows
        if len(rows) < batch:
            return
        after = (rows[-1].occurrence_id, rows[-1].seq)
