"""Sums of the counts of sending, of events, and of opens and clicks, by day, sender domain, task and provider."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from ses_ops.domain.mail_statistics import Dimension, MailCounts, MailKind, StatisticsRow
from ses_ops.storage.named_sql import fetch_all, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)
_COUNTS = tuple(one.name for one in fields(MailCounts))


def sums(
    conn: Connection,
    *,
    sender_domains: Collection[str],
    time_zone: str,
    by: Collection[Dimension],
    since: datetime,
    until: datetime,
    task_ids: Collection[int] | None = None,
    hidden: Collection[str] = (),
    hidden_ids: Collection[int] = (),
    kind: MailKind | None = None,
    limit: int,
) -> list[StatisticsRow]:
    """Rows of statistics, the newest day and the largest first, at most `limit`.

    Mail of other sender domains is left out; `time_zone` (IANA) is that of their days. `since` and `until` bound the
    beginning of the quota day of sending: since <= day < until. `task_ids` None: all tasks; `hidden` and `hidden_ids`:
    tasks that are left out, by name and by id. `kind` None: all mail.
    """
    fetch_value(conn, _SQL["no_jit"])
    rows = fetch_all(
        conn,
        _SQL["sums"],
        domains=list(sender_domains),
        time_zone=time_zone,
        by_day=Dimension.DAY in by,
        by_domain=Dimension.SENDER_DOMAIN in by,
        by_task=Dimension.TASK in by,
        by_provider=Dimension.MAILBOX_PROVIDER in by,
        by_kind=Dimension.KIND in by,
        kind=kind,
        # With each task by provider there would be very many groups.
        grain_is_task=Dimension.TASK in by or Dimension.KIND in by or Dimension.MAILBOX_PROVIDER not in by,
        since=since,
        until=until,
        task_ids=None if task_ids is None else list(task_ids),
        hidden=list(hidden),
        hidden_ids=list(hidden_ids),
        limit=limit,
    )
    return [StatisticsRow(counts=MailCounts(**{name: row.pop(name) for name in _COUNTS}), **row) for row in rows]
