"""Records of the intake and of the spool, written into PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ses_ops.application.record_engagement import record_engagement
from ses_ops.application.record_events import keep_unmatched, record_events
from ses_ops.application.record_groups import MOST_IN_A_GROUP, Given
from ses_ops.domain.engagement import Engagement
from ses_ops.domain.message_event import MessageEvent
from ses_ops.events.spool import Record, UnmatchedRecord
from ses_ops.storage.connection import ValueRefused, errors_wrapped

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Errors of a value that is not taken now or later.
_NOT_TAKEN = (*ValueRefused, ValueError, TypeError)
_log = logging.getLogger(__name__)


def write(conn: Connection, records: Iterable[Record]) -> None:
    """Record events in one transaction, opens and clicks in another, and unmatched records in others."""
    records = list(records)
    if events := [one for one in records if isinstance(one, MessageEvent)]:
        record_events(conn, events)
    if engagement := [one for one in records if isinstance(one, Engagement)]:
        record_engagement(conn, engagement)
    for one in records:
        if isinstance(one, UnmatchedRecord):
            keep_unmatched(conn, source=one.source, source_id=one.source_id, raw=one.raw, why=one.why, kind=one.kind)


def drained(conn: Connection, records: Sequence[Record]) -> list[Record]:
    """Record all; returns those whose values PostgreSQL refuses."""
    refused = []
    for begin in range(0, len(records), MOST_IN_A_GROUP):
        group = records[begin : begin + MOST_IN_A_GROUP]
        try:
            write(conn, group)
        except _NOT_TAKEN:
            refused += [one for one in group if _is_refused(conn, one)]
    return refused


def _is_refused(conn: Connection, record: Record) -> bool:
    try:
        write(conn, [record])
    except _NOT_TAKEN as cause:
        _log.warning("PostgreSQL refuses an event of %s, which is set aside: %s", record.source, cause)
        return True
    return False


def refusal(conn: Connection, given: Given) -> BaseException | None:
    """Record what one caller gave; returns the error of what is not recorded."""
    try:
        with errors_wrapped(conn):
            write(conn, given)
    except Exception as cause:
        return cause
    return None
