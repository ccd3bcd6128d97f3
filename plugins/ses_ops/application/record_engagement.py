"""Opens and clicks become the ledger's knowledge: stored once, judged with all others of their message, counted.

Everything that one call is given is one transaction. The same events in any order, any number of times and by any
number of writers give the same verdicts and counts: `domain/engagement_verdict.py`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ses_ops.application.event_months import make_months_of_engagement
from ses_ops.application.judge_engagement import Arrived, judge
from ses_ops.application.message_of_event import is_about, message_key
from ses_ops.application.record_events import MAX_NAME, MAX_SOURCE_ID, event_key, storable_moment
from ses_ops.application.storable import clean
from ses_ops.domain.engagement import MAX_USER_AGENT, TRACKING
from ses_ops.domain.mailbox_provider import domain_of, mailbox_provider
from ses_ops.domain.message_event import MAX_RAW
from ses_ops.errors import Explanation
from ses_ops.storage.callbacks.waiting_posts import CallbackEvent, enqueue
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.engagement import messages, recording
from ses_ops.storage.engagement.recording import LinkKey, NewEngagement
from ses_ops.storage.events import feeds, unmatched
from ses_ops.storage.events.feeds import Brought
from ses_ops.storage.events.recording import MessageId, begin, installation_id
from ses_ops.storage.suppression.hashed_suppression import ERASED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.engagement import Engagement
    from ses_ops.storage.engagement.messages import TrackedMessage

#: Characters of the longest target of a link that is stored.
MAX_TARGET = 8_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedEngagement:
    """What became of some opens and clicks. Those beyond the limit of a message count as repeated."""

    new: int
    repeated: int
    unmatched: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    key: str
    event: Engagement
    message: TrackedMessage

    @property
    def message_id(self) -> MessageId:
        return MessageId(self.message.occurrence_id, self.message.seq)

    @property
    def link(self) -> LinkKey | None:
        """The key of the link; None for an open, and for a click whose link is not known."""
        if not self.event.target:
            return None
        return LinkKey(self.message.task_id, sha256(self.event.target.encode("utf-8", "surrogatepass")).digest())


def record_engagement(conn: Connection, events: Sequence[Engagement]) -> RecordedEngagement:
    """Store opens and clicks and judge their messages, in one transaction; safe to repeat, and in any order.

    An event finds its message as in `record_events`. Raises DatabaseUnavailable.
    """
    by_key = {event_key(one.source, one.source_id): one for one in events}
    make_months_of_engagement(conn, {storable_moment(one.occurred_at) for one in by_key.values()})
    with transaction(conn):
        begin(conn)
        now = database_now(conn)
        found, missing = _matched(conn, by_key)
        new = _record(conn, found, now)
        kept = [one for one in missing if _keep(conn, *one)]
        _note_feeds(conn, events, found, kept, new)
    return RecordedEngagement(new=new, repeated=len(events) - new - len(kept), unmatched=len(kept))


def _matched(
    conn: Connection, by_key: Mapping[str, Engagement]
) -> tuple[list[_Found], list[tuple[str, Engagement, Explanation]]]:
    """Events with their messages, and those without one, with the reason; in the order of their keys."""
    ours = installation_id(conn) if any(one.message is None for one in by_key.values()) else ""
    keys = {key: message_key(event, ours) for key, event in sorted(by_key.items())}
    there = messages.find(conn, {key for key in keys.values() if key is not None})
    found, missing = [], []
    for key, named in keys.items():
        event, message = by_key[key], None if named is None else there.get(named)
        if message is None:
            code = "event_names_no_message" if named is None else "event_message_not_found"
            missing.append((key, event, Explanation(code)))
        elif not is_about(event, message):
            missing.append((key, event, Explanation("event_address_differs")))
        else:
            found.append(_Found(key=key, event=event, message=message))
    return found, missing


def _record(conn: Connection, found: Sequence[_Found], now: datetime) -> int:
    """Store and judge; returns the number of events that are new."""
    if not found:
        return 0
    targets = {one.link: clean(one.event.target, MAX_TARGET) for one in found if one.link is not None}
    links = recording.link_ids(conn, targets) if targets else {}
    of_message: defaultdict[MessageId, list[_Found]] = defaultdict(list)
    for one in found:
        of_message[one.message_id].append(one)
    rows = recording.begin_messages(conn, [count_row(of_message[key][0].message) for key in sorted(of_message)])
    begun = {MessageId(row.occurrence_id, row.seq) for row in rows}
    stored = []
    if known := of_message.keys() - begun:
        rows += recording.lock_messages(conn, known)
        # A message whose row was made now has no other event: another writer's would have made the row.
        stored = recording.events_of(conn, known)
    arrived_at = {key: members[0].message.arrived_at for key, members in of_message.items()}
    new = {key: [_arrived(one, links, now) for one in members] for key, members in of_message.items()}
    come = {one.event_key for one in judge(conn, rows, arrived_at, stored, new).new}
    in_order = sorted(found, key=lambda one: storable_moment(one.event.occurred_at))
    enqueue(conn, [_callback_event(one) for one in in_order if one.key in come])
    return len(come)


def _callback_event(one: _Found) -> CallbackEvent:
    """What is posted to the user's own addresses. The rows of the messages are locked, so their order is kept."""
    return CallbackEvent(
        event_key=one.key,
        occurred_at=storable_moment(one.event.occurred_at),
        occurrence_id=one.message.occurrence_id,
        seq=one.message.seq,
        kind=one.event.kind.value,
        sender_domain=one.message.sender_domain,
    )


def count_row(message: TrackedMessage) -> dict[str, object]:
    """What the counts of a message are kept by, as of its first event: the first fields of its row."""
    return {
        "occurrence_id": message.occurrence_id,
        "seq": message.seq,
        "task_id": message.task_id,
        "sender_domain": message.sender_domain,
        "sent_day": message.sent_day.isoformat(),
        "mailbox_provider": message.known_provider or mailbox_provider(domain_of(message.address_key)),
    }


def _arrived(one: _Found, links: Mapping[LinkKey, int], now: datetime) -> Arrived:
    event, message = one.event, one.message
    occurred_at = storable_moment(event.occurred_at)
    happened_at = min(max(occurred_at, message.sent_at or occurred_at), now)
    ip, user_agent = _address(event.ip), clean(event.user_agent, MAX_USER_AGENT)
    # Of a person who was erased nothing is kept that may identify a device.
    erased = message.address_key.startswith(ERASED)
    row = NewEngagement(
        event_key=one.key,
        occurred_at=occurred_at.isoformat(),
        happened_at=happened_at.isoformat(),
        received_at=now.isoformat(),
        occurrence_id=message.occurrence_id,
        seq=message.seq,
        kind=event.kind.value,
        source=clean(event.source, MAX_NAME),
        link_id=None if one.link is None else links[one.link],
        place=None if event.place is None else min(max(event.place, 0), 32_767),
        verdict=0,
        rule="",
        told_machine=event.told_machine,
        ip=None if erased else ip or None,
        user_agent=None if erased else user_agent,
    )
    return Arrived(row=row, happened_at=happened_at, ip=ip, user_agent=user_agent)


def _address(given: str) -> str:
    """An address of the network as PostgreSQL takes it; "" for anything else."""
    try:
        return str(ip_address(given.strip().partition("%")[0]))
    except ValueError:
        return ""


def _keep(conn: Connection, key: str, event: Engagement, why: Explanation) -> bool:
    """Keep an event without a message, without the data of the device; False when it is kept already."""
    facts = {
        "kind": event.kind.value,
        "occurred_at": event.occurred_at.isoformat(),
        "address": event.address,
        "message_id": event.message_id,
        "target": event.target,
    }
    return unmatched.insert(
        conn,
        event_key=key,
        source=clean(event.source, MAX_NAME),
        source_id=clean(event.source_id, MAX_SOURCE_ID),
        kind=event.kind,
        why=why,
        raw=json.dumps(facts, ensure_ascii=False)[:MAX_RAW].encode("utf-8", "replace"),
    )


def _note_feeds(
    conn: Connection,
    events: Iterable[Engagement],
    found: Sequence[_Found],
    kept: Iterable[tuple[str, Engagement, Explanation]],
    new: int,
) -> None:
    """Note at the feeds what they brought."""
    brought: defaultdict[str, Brought] = defaultdict(Brought)
    for event in events:
        brought[_feed(event)].repetitions += 1
    for _, event, _why in kept:
        brought[_feed(event)].unmatched += 1
    # Repetitions are rare, and to which of several feeds in one call they belong is not asked.
    for one in found[:new]:
        brought[_feed(one.event)].events += 1
    for of_feed in brought.values():
        of_feed.repetitions = max(0, of_feed.repetitions - of_feed.events - of_feed.unmatched)
    feeds.add(conn, brought)


def _feed(event: Engagement) -> str:
    """The name of the feed: a provider's opens are no sign that its bounces arrive."""
    name = clean(event.source, MAX_NAME)
    return name if name == TRACKING else f"{name}_tracking"
