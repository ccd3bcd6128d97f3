"""What pages read of what came back: counts, lists by outcome, a message's events, all mail to one address."""

from __future__ import annotations

import pytest

from ses_ops.domain.feedback import Feedback
from ses_ops.domain.message_event import EventKind
from ses_ops.storage.events import task_feedback, timeline
from ses_ops.storage.ledger.messages import MessagePosition, MessageSearch, all_messages, message_page
from tests.integration.events.mailing import sent

DELIVERED, BOUNCED = EventKind.DELIVERED, EventKind.BOUNCED


@pytest.fixture
def mailing(world):
    """Sixty messages: every tenth bounced hard, one complained, the others were delivered but for the last."""
    found = sent(world, "spring", [f"p{n}@shop.example" for n in range(1, 61)])
    found.record(*(found.event(seq, DELIVERED) for seq in range(1, 60)))
    bounces = [
        found.event(seq, BOUNCED, after=5, hard=True, diagnostic="550 5.1.1 unknown") for seq in range(10, 60, 10)
    ]
    found.record(*bounces, found.event(7, EventKind.COMPLAINED, after=9), found.event(8, BOUNCED, after=2))
    return found


def task_id(world):
    return world.rows("SELECT id FROM send_task WHERE name = 'spring'")[0][0]


def seqs(rows):
    return [row.seq for row in rows]


def test_the_counts_of_a_task_say_what_measures_them(world, mailing):
    counts = task_feedback.counts(world.conn, task_id(world))
    assert (counts.delivered, counts.hard_bounced, counts.soft_bounced, counts.complained) == (53, 5, 1, 1)
    assert counts.feeds == ("amazon_ses",)
    rates = {rate.feedback: rate for rate in counts.rates(60)}
    assert (rates[Feedback.HARD_BOUNCED].count, rates[Feedback.HARD_BOUNCED].of) == (5, 60)
    assert (rates[Feedback.COMPLAINED].of, rates[Feedback.COMPLAINED].base) == (53, "delivered")
    assert rates[Feedback.UNSUBSCRIBED].count == 0


def test_a_feed_that_fell_silent_before_the_task_began_measures_nothing(world, mailing):
    world.execute("UPDATE event_feed SET last_at = now() - interval '3 days'")
    world.execute("DELETE FROM feedback_count")
    counts = task_feedback.counts(world.conn, task_id(world))
    assert {rate.count for rate in counts.rates(60)} == {None}


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        (Feedback.HARD_BOUNCED, [10, 20, 30, 40, 50]),
        (Feedback.SOFT_BOUNCED, [8]),
        (Feedback.COMPLAINED, [7]),
        (Feedback.UNSUBSCRIBED, []),
        (Feedback.DELIVERED, [n for n in range(1, 60) if n % 10 and n != 8]),
    ],
)
def test_the_list_of_an_outcome_has_these_messages_and_no_others(world, mailing, feedback, expected):
    search = MessageSearch(task_id=task_id(world), feedback=feedback)
    assert [row.seq for batch in all_messages(world.conn, search, size=2) for row in batch] == expected


def test_the_list_of_an_outcome_is_read_in_both_directions(world, mailing):
    search = MessageSearch(task_id=task_id(world), feedback=Feedback.HARD_BOUNCED)
    first = message_page(world.conn, search, size=2)
    assert seqs(first.rows) == [10, 20]
    second = message_page(world.conn, MessageSearch(**_with(search, after=first.next)), size=2)
    assert seqs(second.rows) == [30, 40]
    before = message_page(world.conn, MessageSearch(**_with(search, through=second.previous)), size=2)
    assert seqs(before.rows) == [10, 20]
    end = message_page(world.conn, MessageSearch(**_with(search, through=MessagePosition(2**62, 5))), size=2)
    assert (seqs(end.rows), end.previous is None) == ([40, 50], False)


def test_an_outcome_and_an_address_or_a_part_of_it_narrow_each_other(world, mailing):
    def found(**more):
        search = MessageSearch(task_id=task_id(world), feedback=Feedback.HARD_BOUNCED, **more)
        return seqs(message_page(world.conn, search, size=9).rows)

    assert found(part="p20") == [20]
    assert found(part="nobody") == []
    assert found(address_key="p30@shop.example") == [30]
    assert found(address_key="p31@shop.example") == []
    assert found(status="failed") == []


def test_the_words_of_a_message_are_those_of_its_gravest_event(world, mailing):
    key = (mailing.occurrence_id, 10)
    words = task_feedback.words(world.conn, [key, (mailing.occurrence_id, 60)])
    assert words[key].diagnostic == "550 5.1.1 unknown"
    assert list(words) == [key]


def test_a_message_has_its_task_and_its_events_in_order(world, mailing):
    message = timeline.message(world.conn, mailing.occurrence_id, 10)
    assert (message.task, message.address, message.status) == ("spring", "p10@shop.example", "sent")
    events = timeline.events(world.conn, mailing.occurrence_id, 10, with_raw=False)
    assert [(event.kind, event.hard) for event in events] == [("delivered", False), ("bounced", True)]


def test_all_mail_to_one_address_is_found_over_all_tasks_page_by_page(world, mailing):
    others = [sent(world, f"task-{n}", ["p10@shop.example", "x@y.example"]) for n in range(5)]
    keys = timeline.keys_of_person(world.conn, "p10@shop.example")
    assert timeline.count_to(world.conn, keys) == 6
    first = timeline.messages_to(world.conn, keys, limit=4)
    rest = timeline.messages_to(world.conn, keys, before=first[-1].key, limit=4)
    tasks = [row.task for row in first + rest]
    assert tasks == ["task-4", "task-3", "task-2", "task-1", "task-0", "spring"]
    assert first[0].key == (others[-1].occurrence_id, 1)


def _with(search, **more):
    return {"task_id": search.task_id, "feedback": search.feedback, **more}
