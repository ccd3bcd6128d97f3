"""Use case: the counts of what became of messages are compared with the events, and set right where they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.application.engagement_recount import WrongEngagementCount, wrong_counts, wrong_messages
from ses_ops.domain.mailbox_provider import domain_of, mailbox_provider
from ses_ops.domain.refusal_class import RefusalClass
from ses_ops.sending.chunk.ending import count_attempt, total_by_attempt
from ses_ops.storage.connection import transaction
from ses_ops.storage.engagement.recount import kept_from as engagement_kept_from
from ses_ops.storage.events import recording, recount
from ses_ops.storage.events.recording import CountKey, MessageId
from ses_ops.storage.ledger import send_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.events.recording import SentMessage
    from ses_ops.storage.events.recount import WrongCount, WrongFeedback
    from ses_ops.storage.ledger.send_counts import StoredCounts

#: Number of differences of each kind that are named; the others are counted.
NAMED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongAttempt:
    """An attempt of which something else is stored than its messages say that it did, by column of `send_count`."""

    attempt_id: int
    stored: dict[str, int]
    counted: dict[str, int]


@dataclass(kw_only=True, slots=True)
class Recount:
    """What a recount found."""

    #: Number of starts and tasks that were looked at.
    starts: int = 0
    tasks: int = 0
    #: Number of messages of which something else is stored than their events say, and the first of them.
    messages_wrong: int = 0
    messages: list[MessageId] = field(default_factory=list)
    #: Number of counts that the messages do not give, and the first of them with their tasks' ids.
    counts_wrong: int = 0
    counts: list[tuple[int, WrongCount]] = field(default_factory=list)
    #: Number of attempts whose counts their messages do not give, and the first of them.
    attempts_wrong: int = 0
    attempts: list[WrongAttempt] = field(default_factory=list)
    #: Number of messages whose opens and clicks are stored otherwise than their events say, and the first of them;
    #: number of their counts that differ, and the first of them with their tasks' ids.
    engagement_wrong: int = 0
    engagement: list[MessageId] = field(default_factory=list)
    engagement_counts_wrong: int = 0
    engagement_counts: list[tuple[int, WrongEngagementCount]] = field(default_factory=list)
    #: Whether the differences were set right.
    repaired: bool = False

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        wrong = self.messages_wrong, self.counts_wrong, self.attempts_wrong
        return any(wrong) or self.engagement_wrong > 0 or self.engagement_counts_wrong > 0


def recount_events(
    conn: Connection, actor: Actor, *, repair: bool, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Recount:
    """Compare messages with their events and counts with messages; with `repair` set right what differs.

    `progress` is called with the number of parts that are done, and of all. Messages whose events may have been dropped
    stay as they are. While a start or a task is set right nobody records events: a second for a million messages.
    """
    if not repair:
        return _recount(conn, repair=False, progress=progress)
    with actor.recorded("recount_events") as facts:
        done = _recount(conn, repair=True, progress=progress)
        facts |= {"messages": done.messages_wrong, "counts": done.counts_wrong, "attempts": done.attempts_wrong}
        facts |= {"engagement": done.engagement_wrong, "engagement_counts": done.engagement_counts_wrong}
    return done


def _recount(conn: Connection, *, repair: bool, progress: Callable[[int, int], None]) -> Recount:
    found = Recount(repaired=repair)
    with transaction(conn):
        kept_from, engagement_from = recount.kept_from(conn), engagement_kept_from(conn)
        occurrences, tasks = recount.occurrences(conn), recount.tasks(conn)
    parts = len(occurrences) + len(tasks)
    for occurrence_id in occurrences:
        wrong = _messages(conn, occurrence_id, kept_from, repair=repair)
        found.messages_wrong += len(wrong)
        names = [MessageId(occurrence_id, one.seq) for one in wrong[:NAMED]]
        found.messages = (found.messages + names)[:NAMED]
        attempts = _attempts(conn, occurrence_id, repair=repair)
        found.attempts_wrong += len(attempts)
        found.attempts = (found.attempts + attempts)[:NAMED]
        _note_messages(found, conn, occurrence_id, engagement_from)
        found.starts += 1
        progress(found.starts, parts)
    for task_id in tasks:
        counts = _counts(conn, task_id, repair=repair)
        found.counts_wrong += len(counts)
        found.counts = (found.counts + [(task_id, one) for one in counts[:NAMED]])[:NAMED]
        counted = wrong_counts(conn, task_id, engagement_from, repair=repair)
        found.engagement_counts_wrong += len(counted)
        found.engagement_counts = (found.engagement_counts + [(task_id, one) for one in counted[:NAMED]])[:NAMED]
        found.tasks += 1
        progress(found.starts + found.tasks, parts)
    return found


def _note_messages(found: Recount, conn: Connection, occurrence_id: int, kept_from: datetime) -> None:
    wrong = wrong_messages(conn, occurrence_id, kept_from, repair=found.repaired)
    found.engagement_wrong += len(wrong)
    names = [MessageId(occurrence_id, one.seq) for one in wrong[:NAMED]]
    found.engagement = (found.engagement + names)[:NAMED]


def _messages(conn: Connection, occurrence_id: int, kept_from: datetime, *, repair: bool) -> Sequence[WrongFeedback]:
    with transaction(conn):
        wrong = recount.wrong_feedback(conn, occurrence_id, kept_from=kept_from)
    if not (wrong and repair):
        return wrong
    with transaction(conn):
        recount.hold_writers(conn)
        wrong = recount.wrong_feedback(conn, occurrence_id, kept_from=kept_from)
        keys = {MessageId(occurrence_id, one.seq): one.told for one in wrong if not one.untold}
        messages = recording.find_messages(conn, keys)
        counted_by = _counted_by(messages) | recording.counted_by(conn, keys)
        recount.remove_feedback(conn, occurrence_id, [one.seq for one in wrong])
        known = {key: (counted_by[key], told) for key, told in keys.items() if key in counted_by}
        recording.merge_feedback(conn, known, refused={key for key, one in messages.items() if one.refused})
    return wrong


def _counted_by(messages: Mapping[MessageId, SentMessage]) -> dict[MessageId, CountKey]:
    """What messages would be counted by if their first event came now."""
    return {
        key: CountKey(
            one.task_id,
            one.sender_domain,
            one.sent_day,
            one.known_provider or mailbox_provider(domain_of(one.address_key)),
        )
        for key, one in messages.items()
    }


def _counts(conn: Connection, task_id: int, *, repair: bool) -> Sequence[WrongCount]:
    with transaction(conn):
        wrong = recount.wrong_counts(conn, task_id)
    if wrong and repair:
        with transaction(conn):
            recount.hold_writers(conn)
            wrong = recount.wrong_counts(conn, task_id)
            recount.count_anew(conn, task_id)
    return wrong


def _attempts(conn: Connection, occurrence_id: int, *, repair: bool) -> list[WrongAttempt]:
    """The attempts of a start whose counts are not what their messages say."""
    with transaction(conn):
        stored = send_counts.stored_of_occurrence(conn, occurrence_id)
        counted = total_by_attempt(send_counts.of_occurrence(conn, occurrence_id))
        wrong = [
            WrongAttempt(attempt_id=id, stored=one.counts, counted=told)
            for id, one in stored.items()
            if not _agrees(one, told := {**dict.fromkeys(send_counts.COUNTED, 0), **counted.get(id, {})})
        ]
        for one in wrong if repair else ():
            count_attempt(conn, one.attempt_id)
    return wrong


def _agrees(stored: StoredCounts, counted: Mapping[str, int]) -> bool:
    """Whether counts are those of the messages. Messages that were tried again stay where they had failed, too."""
    return all(
        stored.counts[name] >= count if stored.retried and name in _FAILED else stored.counts[name] == count
        for name, count in counted.items()
    )


_FAILED = frozenset(one.value for one in RefusalClass)
