"""Events of messages become the ledger's knowledge: stored once, counted, and acted on.

Everything that one call is given is one transaction, so what is lost with a process was never there. The same events in
any order, any number of times and by any number of writers give the same state: `domain/message_feedback.py`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING
from uuid import UUID

from ses_ops.application.event_months import make_months_of
from ses_ops.application.judge_engagement import judge_again
from ses_ops.application.message_of_event import is_about, message_key
from ses_ops.application.storable import clean, storable
from ses_ops.application.suppress_by_events import NewEventOf, act_on
from ses_ops.domain.mailbox_provider import domain_of, mailbox_provider
from ses_ops.domain.message_event import MAX_DIAGNOSTIC, MAX_RAW
from ses_ops.domain.message_feedback import Telling, about, chosen_at, told
from ses_ops.errors import Explanation
from ses_ops.storage.callbacks.waiting_posts import CallbackEvent, enqueue
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import feeds, providers, recording, unmatched
from ses_ops.storage.events.feeds import Brought
from ses_ops.storage.events.recording import CountKey, MessageId, NewEvent, SentMessage
from ses_ops.storage.suppression.hashed_suppression import ERASED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.message_event import EventKind, MessageEvent

#: Characters of the longest id and of the longest name that a source gives.
MAX_SOURCE_ID, MAX_NAME = 500, 200
#: Octets that are kept of what was not understood.
MAX_UNMATCHED = 1_000_000
#: The first and the last moment that are written as they are (PostgreSQL has a wider range, JSON and Python do not).
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What became of some events: each is new, repeated or unmatched."""

    new: int
    repeated: int
    unmatched: int
    #: Number of addresses that these events put on the suppression list, and of those that wait for a person.
    suppressed: int
    held: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Keyed:
    """An event with its key in the store."""

    key: str
    event: MessageEvent


def record_events(conn: Connection, events: Sequence[MessageEvent]) -> Recorded:
    """Store events and act on them, in one transaction; safe to repeat, and in any order.

    An event finds its message by the key of its token and the check of the address; where the source is authenticated,
    else by the Message-ID. One that finds none goes to the unmatched ones. Raises DatabaseUnavailable.
    """
    keyed = [_Keyed(key=event_key(event.source, event.source_id), event=event) for event in events]
    distinct = {
        one.key: one for one in sorted(keyed, key=lambda one: storable_moment(one.event.occurred_at), reverse=True)
    }
    brought: defaultdict[str, Brought] = defaultdict(Brought)
    for one in keyed:
        brought[clean(one.event.source, MAX_NAME)].repetitions += 1  # those that are new are taken off again
    make_months_of(conn, {storable_moment(one.event.occurred_at) for one in distinct.values()})
    with transaction(conn):
        recording.begin(conn)
        found, missing = _matched(conn, list(distinct.values()))
        _note_domains(conn, found)
        new = _insert(conn, found)
        for stored, _ in new:
            brought[clean(stored.event.source, MAX_NAME)].events += 1
        kept = [one for one in missing if _keep(conn, *one)]
        for without, _ in kept:
            brought[clean(without.event.source, MAX_NAME)].unmatched += 1
        suppressed, held = _apply(conn, new)
        for of_feed in brought.values():
            of_feed.repetitions -= of_feed.events + of_feed.unmatched
        feeds.add(conn, brought)
    return Recorded(
        new=len(new),
        repeated=len(keyed) - len(new) - len(kept),
        unmatched=len(kept),
        suppressed=suppressed,
        held=held,
    )


def keep_unmatched(
    conn: Connection, *, source: str, source_id: str, raw: bytes, why: Explanation, kind: EventKind | None = None
) -> bool:
    """Keep what could not be understood, for a person; False when it is kept already. Raises DatabaseUnavailable."""
    with transaction(conn):
        name = clean(source, MAX_NAME)
        new = unmatched.insert(
            conn,
            event_key=event_key(source, source_id),
            source=name,
            source_id=clean(source_id, MAX_SOURCE_ID),
            kind=kind,
            why=storable(why),
            raw=raw[:MAX_UNMATCHED],
        )
        feeds.add(conn, {name: Brought(unmatched=int(new), repetitions=int(not new))})
    return new


def note_refused(conn: Connection, *, source: str, why: Explanation) -> None:
    """Note that something was refused at the door of a feed. Raises DatabaseUnavailable."""
    with transaction(conn):
        feeds.note_refused(conn, clean(source, MAX_NAME), why)


def event_key(source: str, source_id: str) -> str:
    """The key of an event in the store: 128 bits of a hash of its source and the source's id."""
    text = f"{source}\0{source_id}".encode("utf-8", "surrogatepass")
    return str(UUID(bytes=blake2b(text, digest_size=16).digest()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """An event and its message."""

    key: str
    event: MessageEvent
    message: SentMessage
    provider: str

    @property
    def erased(self) -> bool:
        """Whether the person was erased: then nothing is kept that may name the address."""
        return self.message.address_key.startswith(ERASED)


def _matched(conn: Connection, events: Iterable[_Keyed]) -> tuple[list[_Found], list[tuple[_Keyed, Explanation]]]:
    """Events with their messages, and those without one, with the reason."""
    events = sorted(events, key=lambda one: one.key)
    ours = recording.installation_id(conn) if any(one.event.message is None for one in events) else ""
    keys = {one.key: message_key(one.event, ours) for one in events}
    messages = recording.find_messages(conn, {key for key in keys.values() if key is not None})
    found, missing = [], []
    for one in events:
        key = keys[one.key]
        message = None if key is None else messages.get(key)
        if message is None:
            code = "event_names_no_message" if key is None else "event_message_not_found"
            missing.append((one, Explanation(code)))
        elif not is_about(one.event, message):
            missing.append((one, Explanation("event_address_differs")))
        else:
            provider = message.known_provider or mailbox_provider(domain_of(message.address_key))
            found.append(_Found(key=one.key, event=one.event, message=message, provider=provider))
    return found, missing


def _note_domains(conn: Connection, found: Iterable[_Found]) -> None:
    """Note domains of recipients whose provider neither an MX record nor the table of names has told so far."""
    unknown = {
        one.provider: one.provider
        for one in found
        if one.message.known_provider is None and one.provider == domain_of(one.message.address_key)
    }
    if unknown:
        providers.note_domains(conn, unknown)


def _insert(conn: Connection, found: Sequence[_Found]) -> list[tuple[_Found, datetime]]:
    """Write events; returns those that were not there yet, with the moment at which they came."""
    if not found:
        return []
    new = recording.insert_events(conn, [_row(one) for one in found])
    return [(one, new[one.key]) for one in found if one.key in new]


def _row(one: _Found) -> NewEvent:
    event = one.event
    return NewEvent(
        event_key=one.key,
        occurred_at=storable_moment(event.occurred_at).isoformat(),
        occurrence_id=one.message.occurrence_id,
        seq=one.message.seq,
        kind=event.kind.value,
        hard=event.hard,
        source=clean(event.source, MAX_NAME),
        source_id=clean(event.source_id, MAX_SOURCE_ID),
        provider_kind=clean(event.provider_kind, MAX_NAME),
        about=about(event),
        reason=event.failure and event.failure.reason.value,
        status=event.failure and clean(event.failure.status, MAX_NAME),
        diagnostic="" if one.erased else clean(event.diagnostic, MAX_DIAGNOSTIC),
        raw="" if one.erased else clean(event.raw, MAX_RAW),
    )


def storable_moment(moment: datetime) -> datetime:
    """A moment in UTC that can be written; one without a zone is taken for UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return min(max(aware, _FIRST), _LAST).astimezone(UTC)


def _telling(one: _Found, received_at: datetime) -> Telling:
    at = storable_moment(one.event.occurred_at)
    chosen = chosen_at(at, frozen_at=one.message.frozen_at, received_at=received_at)
    return Telling(kind=one.event.kind, hard=one.event.hard, about=about(one.event), occurred_at=at, chosen_at=chosen)


def _apply(conn: Connection, new: Sequence[tuple[_Found, datetime]]) -> tuple[int, int]:
    """Let new events change what is known of their messages, the suppression list and the counts, in this order."""
    if not new:
        return 0, 0
    of_message: defaultdict[MessageId, list[tuple[_Found, datetime]]] = defaultdict(list)
    for one, received_at in new:
        of_message[MessageId(one.message.occurrence_id, one.message.seq)].append((one, received_at))
    told_of = {key: told(_telling(*one) for one in events) for key, events in of_message.items()}
    changes = recording.merge_feedback(
        conn,
        {key: (_counted_by(of_message[key][0][0]), more) for key, more in told_of.items()},
        refused={key for key, events in of_message.items() if events[0][0].message.refused},
    )
    in_order = sorted((one for one, _ in new), key=lambda one: storable_moment(one.event.occurred_at))
    enqueue(conn, [_callback_event(one) for one in in_order])
    done = act_on(
        conn,
        [
            NewEventOf(
                message=one.message,
                provider=one.provider,
                kind=one.event.kind,
                hard=one.event.hard,
                source=clean(one.event.source, MAX_NAME),
                note="" if one.erased else clean(one.event.diagnostic, MAX_DIAGNOSTIC),
            )
            for one, _ in new
        ],
    )
    # The verdicts of opens that came before the word of the delivery are made by the time of delivery.
    judge_again(conn, {key for key, events in of_message.items() if told_of[key].delivered})
    recording.add_counts(conn, changes)
    return done


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


def _counted_by(one: _Found) -> CountKey:
    message = one.message
    return CountKey(message.task_id, message.sender_domain, message.sent_day, one.provider)


def _keep(conn: Connection, one: _Keyed, why: Explanation) -> bool:
    """Keep an event without a message; False when it is kept already."""
    event = one.event
    facts = {
        "kind": event.kind.value,
        "occurred_at": event.occurred_at.isoformat(),
        "address": event.address,
        "message_id": event.message_id,
        "provider_kind": event.provider_kind,
        "diagnostic": event.diagnostic,
    }
    raw = event.raw or json.dumps(facts, ensure_ascii=False)
    return unmatched.insert(
        conn,
        event_key=one.key,
        source=clean(event.source, MAX_NAME),
        source_id=clean(event.source_id, MAX_SOURCE_ID),
        kind=event.kind,
        why=why,
        raw=raw[:MAX_RAW].encode("utf-8", "replace"),
    )
