"""Events that found no message or were not understood, kept whole for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, explained, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.message_event import EventKind
    from ses_ops.errors import Explanation

_SQL = statements(__file__)


def insert(
    conn: Connection,
    *,
    event_key: str,
    source: str,
    source_id: str,
    kind: EventKind | None,
    why: Explanation,
    raw: bytes,
) -> bool:
    """Keep an event; False when it is kept already."""
    values = {"event_key": event_key, "source": source, "source_id": source_id, "kind": kind and kind.value}
    return execute(conn, _SQL["insert"], **values, raw=raw, **explained(why=why.sentence)) > 0
