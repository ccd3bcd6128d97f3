"""What events do to the suppression list: the one place where they suppress.

Only a hard bounce and a complaint (all mail) and an unsubscription (bulk mail of the sender domain) do. The address is
always the ledger's, never one that a report names.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.message_event import EventKind
from ses_ops.domain.storm_guard import ALWAYS_ALLOWED, most_hard_bounces
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.storage.suppression import from_events
from ses_ops.storage.suppression.from_events import EventSuppression, Held

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.events.recording import SentMessage

#: Seconds for which an estimate of what was mailed is kept.
_ESTIMATE_KEPT = 60.0
_estimates: dict[tuple[str, str, int], tuple[float, dict[str, int]]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEventOf:
    """A new event of a message, as far as it concerns the suppression list."""

    message: SentMessage
    provider: str
    kind: EventKind
    hard: bool
    source: str
    note: str

    def entry(self, reason: SuppressionReason, scope: str = "") -> EventSuppression:
        """The entry that this event asks for."""
        return EventSuppression(
            address_key=self.message.address_key,
            scope=scope,
            address=self.message.address,
            reason=reason.value,
            note=self.note,
            source=self.source,
            occurrence_id=self.message.occurrence_id,
            seq=self.message.seq,
            mailbox_provider=self.provider,
        )


def act_on(conn: Connection, events: Sequence[NewEventOf]) -> tuple[int, int]:
    """Let new events change the list, in the caller's transaction; returns (suppressed, held) entries."""
    entries = [one.entry(SuppressionReason.COMPLAINT) for one in events if one.kind is EventKind.COMPLAINED]
    entries += _unsubscriptions(conn, events)
    bounces = [one for one in events if one.kind is EventKind.BOUNCED and one.hard]
    believed, doubted = _guarded(conn, [one.entry(SuppressionReason.HARD_BOUNCE) for one in bounces])
    entries += believed
    suppressed = from_events.suppress(conn, entries) if entries else 0
    return suppressed, from_events.hold(conn, doubted) if doubted else 0


def _unsubscriptions(conn: Connection, events: Iterable[NewEventOf]) -> list[EventSuppression]:
    """The entries of those who are unsubscribed now; removes those of who took it back.

    What an address chose last is read from all its messages, under a lock, so the order in which events come does not
    matter.
    """
    chosen = (EventKind.UNSUBSCRIBED, EventKind.RESUBSCRIBED)
    by_holder = {Held(one.message.address_key, one.message.sender_domain): one for one in events if one.kind in chosen}
    if not by_holder:
        return []
    from_events.lock_choices(conn, by_holder)
    newest = {Held(one.address_key, one.scope): one for one in from_events.newest_choices(conn, by_holder)}
    out = {holder for holder, choice in newest.items() if choice.unsubscribed}
    if back := by_holder.keys() - out:
        from_events.take_back(conn, back)
    return [by_holder[holder].entry(SuppressionReason.UNSUBSCRIBE, holder.scope) for holder in out]


def _guarded(
    conn: Connection, entries: Sequence[EventSuppression]
) -> tuple[list[EventSuppression], list[EventSuppression]]:
    """Hard bounces that are believed, and those beyond what the storm guard allows of their provider in an hour."""
    by_provider: defaultdict[str, list[EventSuppression]] = defaultdict(list)
    for one in entries:
        by_provider[one.mailbox_provider].append(one)
    if not by_provider:
        return [], []
    from_events.lock_providers(conn, by_provider)
    unknown = from_events.unknown_addresses(conn, {one.address_key for one in entries})
    believed: list[EventSuppression] = []
    doubted: list[EventSuppression] = []
    for provider, of_provider in by_provider.items():
        new = {one.address_key: one for one in of_provider if one.address_key in unknown}
        room = _room(conn, provider, len(new))
        in_order = sorted(new.values(), key=lambda one: (one.occurrence_id, one.seq))
        believed += in_order[:room]
        doubted += in_order[room:]
    return believed, doubted


def _room(conn: Connection, provider: str, new: int) -> int:
    """Number of hard bounces of a provider that are still believed in this hour."""
    recent = from_events.recent_hard_bounces(conn, provider)
    if recent + new <= ALWAYS_ALLOWED:
        return new
    return max(0, most_hard_bounces(_mailed(conn).get(provider, 0)) - recent)


def _mailed(conn: Connection) -> dict[str, int]:
    """Recipients mailed in a day by provider, an estimate that is at most a minute old."""
    database = conn.info.dbname, conn.info.host, conn.info.port
    known = _estimates.get(database)
    if known is None or time.monotonic() - known[0] > _ESTIMATE_KEPT:
        known = _estimates[database] = (time.monotonic(), from_events.mailed_by_provider(conn))
    return known[1]


def forget_estimates() -> None:
    """Estimate anew what was mailed, at the next hard bounce that may be one too many."""
    _estimates.clear()
