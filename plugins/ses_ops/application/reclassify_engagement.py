"""Use case: the opens and clicks of the last days are judged anew, by the rules of this version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_ops.application.judge_engagement import judge_again
from ses_ops.domain.engagement_rules import rules
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.engagement.messages import NO_KEY, RecentEvent, recent_events
from ses_ops.storage.events.recording import MessageId, begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor

#: Name of the action in the audit log.
ACTION = "reclassify_engagement"
#: Events whose messages are judged in one transaction.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Reclassified:
    """What judging anew did."""

    #: The date of the rules, in ISO 8601.
    rules_of: str
    #: Number of events that were looked at, and of those that have another verdict or rule than before.
    events: int
    changed: int


def reclassify(
    conn: Connection, actor: Actor, *, days: int, progress: Callable[[int], None] = lambda _events: None
) -> Reclassified:
    """Judge all messages with an open or a click that came in the last `days` days; safe to repeat.

    Only events whose address and user agent are kept can change (SES_DEVICE_DATA_DAYS); the verdicts of others stay.
    `progress` is called with the number of events that are done.
    """
    with actor.recorded(ACTION, days=days) as facts:
        with transaction(conn):
            since = database_now(conn) - timedelta(days=days)
        last, count, changed = RecentEvent(since, NO_KEY), 0, 0
        while True:
            with transaction(conn):
                begin(conn)
                events = recent_events(conn, after=last, limit=_AT_ONCE)
                changed += judge_again(conn, {MessageId(one.occurrence_id, one.seq) for one in events})
            if not events:
                break
            last, count = events[-1], count + len(events)
            progress(count)
        facts |= {"events": count, "changed": changed}
    return Reclassified(rules_of=rules().as_of.isoformat(), events=count, changed=changed)
