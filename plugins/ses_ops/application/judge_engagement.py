"""The verdicts of messages' opens and clicks, worked out from all their events, and what they change in the counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING

from ses_ops.domain.engagement import MOST_OF_A_MESSAGE, EngagementKind
from ses_ops.domain.engagement_verdict import EngagementVerdict, Happened, VerdictByRule, verdicts
from ses_ops.domain.message_engagement import NUMBERS, EngagementChanges, Seen, changes_of
from ses_ops.storage.engagement import counts, messages, recording
from ses_ops.storage.engagement.counts import HourKey, LinkCountKey
from ses_ops.storage.engagement.recording import NewVerdict
from ses_ops.storage.events.recording import CountKey, MessageId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.engagement.recording import MessageEngagement, NewEngagement, StoredEngagement


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """An event that is to be stored: its row without a verdict, and the client as it was, also of an erased person."""

    row: NewEngagement
    happened_at: datetime
    ip: str
    user_agent: str


@dataclass(kw_only=True, slots=True)
class _Judgement:
    """What judging some messages changes."""

    new: list[NewEngagement] = field(default_factory=list)
    changed: list[NewVerdict] = field(default_factory=list)
    messages: dict[MessageId, dict[str, int]] = field(default_factory=dict)
    counts: Counter[tuple[CountKey, str]] = field(default_factory=Counter)
    links: Counter[tuple[LinkCountKey, str]] = field(default_factory=Counter)
    hours: Counter[tuple[HourKey, str]] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedEvents:
    """The events that are new, and the number of stored events that have another verdict or rule than before."""

    new: Sequence[NewEngagement]
    changed: int


def judge(
    conn: Connection,
    rows: Sequence[MessageEngagement],
    arrived_at: Mapping[MessageId, datetime | None],
    stored: Iterable[StoredEngagement],
    new: Mapping[MessageId, Sequence[Arrived]],
) -> JudgedEvents:
    """Judge messages whose rows are locked and whose events are `stored` and `new`; write what that changes.

    In the caller's transaction. Of new events those count that are not stored yet, up to MOST_OF_A_MESSAGE.
    """
    found = _Judgement()
    of_message: defaultdict[MessageId, list[StoredEngagement]] = defaultdict(list)
    for one in stored:
        of_message[MessageId(one.occurrence_id, one.seq)].append(one)
    for row in rows:
        key = MessageId(row.occurrence_id, row.seq)
        _judge_one(row, arrived_at.get(key), of_message[key], new.get(key, ()), found)
    if found.new:
        recording.insert_events(conn, found.new)
    if found.changed:
        recording.change_verdicts(conn, sorted(found.changed, key=lambda one: one.event_key))
    if found.messages:
        recording.add_to_messages(conn, found.messages)
    counts.add_counts(conn, found.counts)
    counts.add_links(conn, found.links)
    counts.add_hours(conn, found.hours)
    return JudgedEvents(new=found.new, changed=len(found.changed))


def judge_again(conn: Connection, keys: Collection[MessageId]) -> int:
    """Judge messages anew, in the caller's transaction, which has begun as `events.recording.begin` does.

    Returns the number of events that have another verdict or rule than before.
    """
    engaged = messages.engaged(conn, keys) if keys else []
    if not engaged:
        return 0
    rows = recording.lock_messages(conn, engaged)
    arrived_at = {key: one.arrived_at for key, one in messages.find(conn, engaged).items()}
    return judge(conn, rows, arrived_at, recording.events_of(conn, engaged), {}).changed


def _judge_one(
    row: MessageEngagement,
    arrived_at: datetime | None,
    stored: Sequence[StoredEngagement],
    new: Sequence[Arrived],
    found: _Judgement,
) -> None:
    numbers = {name: getattr(row, name) for name in NUMBERS}
    there = {one.event_key for one in stored}
    room = max(0, MOST_OF_A_MESSAGE - sum(numbers.values()))
    come = [one for one in new if one.row.event_key not in there][:room]
    judged = verdicts([*map(_of_stored, stored), *map(_of_new, come)], arrived_at)
    seen = [
        _seen(one.kind, one.happened_at, one.link_id, EngagementVerdict(one.verdict), judged[one.event_key].verdict)
        for one in stored
    ]
    for arrived in come:
        verdict, rule = judged[arrived.row.event_key]
        found.new.append(replace(arrived.row, verdict=verdict.value, rule=rule))
        seen.append(_seen(arrived.row.kind, arrived.happened_at, arrived.row.link_id, None, verdict))
    before = len(found.changed)
    for one in stored:
        verdict, rule = judged[one.event_key]
        if (verdict, rule) != (one.verdict, one.rule):
            moment = one.occurred_at.isoformat()
            found.changed.append(
                NewVerdict(event_key=one.event_key, occurred_at=moment, verdict=verdict.value, rule=rule)
            )
    if come or len(found.changed) > before:
        _add(found, row, changes_of(seen, numbers))


def _add(found: _Judgement, row: MessageEngagement, changes: EngagementChanges) -> None:
    numbers = {name: changes.numbers[name] for name in NUMBERS}
    if any(numbers.values()):
        found.messages[MessageId(row.occurrence_id, row.seq)] = numbers
    key = CountKey(row.task_id, row.sender_domain, row.sent_day, row.mailbox_provider)
    for column, change in changes.counts.items():
        found.counts[key, column] += change
    for (link_id, column), change in changes.links.items():
        found.links[LinkCountKey(row.task_id, link_id), column] += change
    for (hour, column), change in changes.hours.items():
        found.hours[HourKey(row.task_id, hour), column] += change


def _seen(
    kind: str, at: datetime, link_id: int | None, before: EngagementVerdict | None, after: EngagementVerdict
) -> Seen:
    return Seen(kind=EngagementKind(kind), at=at.astimezone(UTC), link_id=link_id, before=before, after=after)


def _of_stored(one: StoredEngagement) -> Happened:
    return Happened(
        key=one.event_key,
        kind=EngagementKind(one.kind),
        at=one.happened_at,
        link=one.link_id,
        place=one.place,
        ip=one.ip or "",
        user_agent=one.user_agent,
        told_machine=one.told_machine,
        stored=VerdictByRule(EngagementVerdict(one.verdict), one.rule),
    )


def _of_new(one: Arrived) -> Happened:
    return Happened(
        key=one.row.event_key,
        kind=EngagementKind(one.row.kind),
        at=one.happened_at,
        link=one.row.link_id,
        place=one.row.place,
        ip=one.ip,
        user_agent=one.user_agent,
        told_machine=one.row.told_machine,
    )
