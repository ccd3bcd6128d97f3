"""Events are stored once, matched with their message, and counted as what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.record_events import Recorded, keep_unmatched, note_refused, record_events
from ses_ops.domain.message_event import MAX_DIAGNOSTIC, EventKind, MessageKey
from ses_ops.domain.message_feedback import FinalOutcome
from ses_ops.errors import Explanation
from ses_ops.storage.events import counts as stored
from ses_ops.storage.events.counts import FeedbackCounts
from tests.integration.events.mailing import sent
from tests.integration.sending_world import DOMAIN

DELIVERED, DEFERRED, BOUNCED = EventKind.DELIVERED, EventKind.DEFERRED, EventKind.BOUNCED
COMPLAINED, UNSUBSCRIBED = EventKind.COMPLAINED, EventKind.UNSUBSCRIBED


@pytest.fixture
def mailing(world):
    return sent(world, "spring", ["Ann@Gmail.com", "bo@shop.example", "cy@mail.163.com"])


def counts(world):
    return world.rows(
        "SELECT mailbox_provider, deferred, delivered, dropped, soft_bounced, hard_bounced, complained, unsubscribed"
        " FROM feedback_count ORDER BY mailbox_provider"
    )


def unmatched(world):
    return world.rows("SELECT why_explained->>'code' FROM unmatched_event ORDER BY id")


def test_an_event_is_stored_once_and_counted_as_what_became_of_its_message(world, mailing):
    first = mailing.event(1, DEFERRED), mailing.event(1, DELIVERED, after=5), mailing.event(2, DELIVERED)
    assert mailing.record(*first) == Recorded(new=3, repeated=0, unmatched=0, suppressed=0, held=0)
    assert mailing.record(*first) == Recorded(new=0, repeated=3, unmatched=0, suppressed=0, held=0)
    mailing.record(mailing.event(2, BOUNCED, hard=True, diagnostic="550 5.1.1 no such user"))
    assert mailing.feedback(1) == (FinalOutcome.DELIVERED, False, False)
    assert mailing.feedback(2) == (FinalOutcome.HARD_BOUNCED, False, False)
    assert counts(world) == [("google", 0, 1, 0, 0, 0, 0, 0), ("shop.example", 0, 0, 0, 0, 1, 0, 0)]
    assert world.rows("SELECT events, repetitions, unmatched FROM event_feed") == [(4, 3, 0)]


def test_counts_are_kept_by_the_day_of_sending_the_sender_domain_and_the_mailbox_provider(world, mailing):
    world.execute("INSERT INTO sender_domain (domain) VALUES (%s)", DOMAIN)
    world.execute(
        "INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment)"
        " VALUES (%s, '2026-03-01 15:00Z', '2026-03-02 15:00Z', 1, 9)",
        DOMAIN,
    )
    world.execute("UPDATE message SET changed_at = '2026-03-02 14:59Z' WHERE seq = 1")
    world.execute("UPDATE message SET changed_at = '2026-03-02 15:00Z' WHERE seq = 2")
    world.execute("INSERT INTO mailbox_provider (domain, mailbox_provider) VALUES ('shop.example', 'microsoft')")
    mailing.record(mailing.event(1, DELIVERED), mailing.event(2, DELIVERED))
    assert world.rows(
        "SELECT sender_domain, sent_day, mailbox_provider FROM feedback_count ORDER BY mailbox_provider"
    ) == [
        (DOMAIN, datetime(2026, 3, 1, 15, tzinfo=UTC), "google"),
        (DOMAIN, datetime(2026, 3, 2, tzinfo=UTC), "microsoft"),
    ]


def test_an_event_without_a_message_of_ours_changes_nothing_and_is_kept_for_a_person(world, mailing):
    foreign = MessageKey(occurrence_id=10**12, seq=1, address_check=0)
    other = MessageKey(occurrence_id=mailing.occurrence_id, seq=1, address_check=7)
    events = (
        mailing.event(1, BOUNCED, hard=True, message=None, source_id="a"),
        mailing.event(1, BOUNCED, hard=True, message=foreign, source_id="b"),
        mailing.event(1, BOUNCED, hard=True, message=other, source_id="c", raw="as it came\0"),
        mailing.event(
            1, BOUNCED, hard=True, message=MessageKey(occurrence_id=2**70, seq=-1, address_check=0), source_id="d"
        ),
    )
    assert mailing.record(*events) == Recorded(new=0, repeated=0, unmatched=4, suppressed=0, held=0)
    assert mailing.record(*events).repeated == 4
    assert sorted(unmatched(world)) == [
        ("event_address_differs",),
        ("event_message_not_found",),
        ("event_names_no_message",),
        ("event_names_no_message",),
    ]
    assert mailing.feedback(1) is None
    assert not world.rows("SELECT * FROM suppression")
    assert world.rows("SELECT events, repetitions, unmatched FROM event_feed") == [(0, 4, 4)]


def test_an_authenticated_source_finds_the_message_by_its_message_id_and_no_other_does(world, mailing):
    ((ours,),) = world.rows("SELECT id FROM installation")
    message_id = f"{ours}.{mailing.occurrence_id}.2@{DOMAIN}"

    def told(source_id, **more):
        return mailing.event(
            2, DELIVERED, **{"message": None, "message_id": message_id, "source_id": source_id, **more}
        )

    assert mailing.record(told("a")).unmatched == 1
    assert mailing.record(told("b", authenticated=True, message_id=f"x{message_id}")).unmatched == 1
    assert mailing.record(told("c", authenticated=True, address="other@shop.example")).unmatched == 1
    assert mailing.feedback(2) is None
    assert mailing.record(told("d", authenticated=True, address="<BO@shop.example>")).new == 1
    assert mailing.feedback(2) == (FinalOutcome.DELIVERED, False, False)


def test_rubbish_in_texts_and_odd_dates_are_stored_and_stop_nothing(world, mailing):
    early, late = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    mailing.record(
        mailing.event(1, BOUNCED, diagnostic="\0\ud800é" * 1_000, provider_kind="x" * 999, source_id="\0\udfff" * 400),
        mailing.event(2, DELIVERED, occurred_at=early, source_id="early"),
        mailing.event(2, DELIVERED, occurred_at=late, source_id="late"),
        mailing.event(3, DELIVERED, occurred_at=datetime(2026, 1, 1), source_id="naive"),
    )
    ((diagnostic,),) = world.rows("SELECT diagnostic FROM message_event WHERE seq = 1")
    assert len(diagnostic) == MAX_DIAGNOSTIC
    assert diagnostic.startswith("��é")
    assert world.rows("SELECT count(*)::int FROM message_event WHERE received_at > now() - interval '1 minute'") == [
        (4,)
    ]


def test_what_was_not_understood_and_what_was_refused_is_noted_at_its_feed(world):
    why = Explanation("event_names_no_message")
    assert keep_unmatched(world.conn, source="bounce_mail", source_id="1", raw=b"\0\xff", why=why) is True
    assert keep_unmatched(world.conn, source="bounce_mail", source_id="1", raw=b"\0\xff", why=why) is False
    note_refused(world.conn, source="mailgun", why=why)
    note_refused(world.conn, source="mailgun", why=why)
    assert world.rows("SELECT raw::text FROM unmatched_event") == [("\\x00ff",)]
    assert world.rows(
        "SELECT source, unmatched, refused, last_refusal_explained->>'code' FROM event_feed ORDER BY 1"
    ) == [
        ("bounce_mail", 1, 0, None),
        ("mailgun", 0, 2, "event_names_no_message"),
    ]


def test_no_events_are_no_trouble(world):
    assert record_events(world.conn, []) == Recorded(new=0, repeated=0, unmatched=0, suppressed=0, held=0)


def test_a_message_that_was_refused_while_it_was_sent_is_no_bounce_beside_that(world, mailing):
    """It counts as failed; a provider that tells of the same refusal makes no second negative outcome of it."""
    world.execute("UPDATE message SET state = 'failed', smtp_code = 550 WHERE seq = 1")
    mailing.record(mailing.event(1, DEFERRED), mailing.event(2, BOUNCED))
    mailing.record(mailing.event(1, BOUNCED, hard=True), mailing.event(1, COMPLAINED))
    assert mailing.feedback(1) == (FinalOutcome.REFUSED, True, False)
    assert counts(world) == [("google", 0, 0, 0, 0, 0, 1, 0), ("shop.example", 0, 0, 0, 1, 0, 0, 0)]
    assert world.rows("SELECT count(*)::int FROM suppression") == [(1,)]


def test_counts_are_read_by_task_by_day_and_by_mailbox_provider(world, mailing):
    other = sent(world, "winter", ["di@gmail.com"], sender="news@other.example")
    mailing.record(mailing.event(1, DELIVERED), mailing.event(2, BOUNCED), mailing.event(1, COMPLAINED))
    other.record(other.event(1, BOUNCED, hard=True), other.event(1, UNSUBSCRIBED))
    ids = dict(world.rows("SELECT name, id FROM send_task"))
    spring = FeedbackCounts(delivered=1, soft_bounced=1, complained=1)
    winter = FeedbackCounts(hard_bounced=1, unsubscribed=1)
    assert stored.of_tasks(world.conn, list(ids.values())) == {ids["spring"]: spring, ids["winter"]: winter}
    assert stored.of_task(world.conn, 10**9) == FeedbackCounts()
    assert stored.of_task_by_provider(world.conn, ids["spring"]) == [
        ("google", FeedbackCounts(delivered=1, complained=1)),
        ("shop.example", FeedbackCounts(soft_bounced=1)),
    ]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ((day, counted),) = stored.of_domain_by_day(world.conn, DOMAIN, since=today - timedelta(days=1))
    assert (abs(day - today) <= timedelta(days=1), counted) == (True, spring)
    assert stored.of_domain_by_provider(world.conn, "other.example", since=today - timedelta(days=1)) == [
        ("google", winter)
    ]
