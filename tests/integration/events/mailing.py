"""A ledger of mail that has left, and events about it, for the tests of what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_ops.application.record_events import Recorded, record_events
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.events.tokens import address_check
from ses_ops.storage.connection import transaction
from tests.integration.sending_world import DOMAIN, World

#: When the events of a test begin, by the clock of the source.
BEGAN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@dataclass
class Mailing:
    """A mailing that was sent."""

    world: World
    occurrence_id: int
    addresses: list[str]

    def event(self, seq: int, kind: EventKind, *, after: float = 0, **more: Any) -> MessageEvent:
        """An event of a message, so many minutes after the beginning; its id is made of all that is given."""
        hard = more.pop("hard", False)
        default = f"{self.occurrence_id}-{seq}-{kind}-{after}-{hard}"
        return MessageEvent(
            kind=kind,
            source=more.pop("source", "amazon_ses"),
            source_id=more.pop("source_id", default),
            occurred_at=more.pop("occurred_at", BEGAN + timedelta(minutes=after)),
            message=more.pop("message", self.key(seq)),
            hard=hard,
            **more,
        )

    def key(self, seq: int) -> MessageKey:
        check = address_check(self.addresses[seq - 1].lower())
        return MessageKey(occurrence_id=self.occurrence_id, seq=seq, address_check=check)

    def record(self, *events: MessageEvent) -> Recorded:
        return record_events(self.world.conn, list(events))

    def feedback(self, seq: int) -> tuple[Any, ...] | None:
        rows = self.world.rows(
            "SELECT outcome, complained, unsubscribed FROM message_feedback WHERE occurrence_id = %s AND seq = %s",
            self.occurrence_id,
            seq,
        )
        return rows[0] if rows else None


def sent(world: World, task: str, addresses: list[str], *, sender: str = f"news@{DOMAIN}") -> Mailing:
    """A task whose mail to these addresses has left, written straight into the ledger."""
    group = f"group-{task}"
    world.group(group, 1)
    world.task(task, group=group, sender=sender)
    with transaction(world.conn), world.conn.cursor() as cursor:
        cursor.execute(
            "WITH o AS (INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count, finished_at)"
            "  SELECT id, 'at', 'at', least(now(), %(frozen_at)s), %(count)s, now()"
            "  FROM send_task WHERE name = %(task)s RETURNING *),"
            " c AS (INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending,"
            "    sent, sending_through)"
            "    SELECT o.id, o.task_id, t.sender_domain, 1, %(count)s, 'settled', 0, %(count)s, %(count)s"
            "    FROM o JOIN send_task t ON t.id = o.task_id RETURNING id),"
            " a AS (INSERT INTO attempt (chunk_id, run_id, host, pid, sent, edition, ended_at)"
            "    SELECT id, 'at', 'here', 1, %(count)s, 1, now() FROM c RETURNING id),"
            " n AS (INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, accepted)"
            "    SELECT a.id, 'other', t.id, t.sender_domain, date_trunc('day', now(), 'UTC'), %(count)s"
            "    FROM a, send_task t WHERE t.name = %(task)s)"
            " INSERT INTO message (occurrence_id, seq, state, tries, attempt_id, changed_at, address, address_key,"
            "    values)"
            " SELECT o.id, r.seq, 'sent', 1, a.id, now(), r.address, lower(r.address), '{}'"
            " FROM o, a, unnest(%(addresses)s::text[]) WITH ORDINALITY r (address, seq) RETURNING occurrence_id",
            {"count": len(addresses), "task": task, "addresses": addresses, "frozen_at": BEGAN - timedelta(hours=1)},
        )
        (occurrence_id,) = cursor.fetchone()
    return Mailing(world=world, occurrence_id=occurrence_id, addresses=addresses)
