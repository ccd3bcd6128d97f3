"""What an address chose last, where the clock of a source is wrong or a mail has no date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.event_recount import recount_events
from ses_ops.application.ports import Actor
from ses_ops.domain.message_event import EventKind
from ses_ops.storage.events import timeline
from tests.integration.events.mailing import BEGAN, Mailing, sent

#: Years away: a clock that was never set, and one of a typing error; a mail without a date is of 1970.
WRONG = [datetime(9999, 12, 31, tzinfo=UTC), datetime(2038, 1, 19, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["ann@example.org", "bob@example.net"])


def suppressed(mailing: Mailing) -> list[str]:
    return [address for (address,) in mailing.world.rows("SELECT address_key FROM suppression ORDER BY 1")]


def left_by_mail(mailing: Mailing, at: datetime, **more):
    return mailing.event(1, EventKind.UNSUBSCRIBED, source="unsubscribe_mail", occurred_at=at, **more)


def came_back(mailing: Mailing, at: datetime):
    return mailing.event(1, EventKind.RESUBSCRIBED, source="unsubscribe_page", occurred_at=at, source_id=f"{at}")


@pytest.mark.parametrize("wrong", WRONG)
def test_an_unsubscription_by_mail_of_a_wrong_date_can_be_undone(mailing, wrong) -> None:
    mailing.record(left_by_mail(mailing, wrong))
    assert suppressed(mailing) == ["ann@example.org"]
    mailing.record(came_back(mailing, datetime.now(UTC)))
    assert suppressed(mailing) == []
    mailing.record(left_by_mail(mailing, wrong))  # the mailbox is read once more
    assert suppressed(mailing) == []


@pytest.mark.parametrize("wrong", WRONG)
def test_an_unsubscription_by_mail_of_a_wrong_date_counts_after_an_earlier_return(mailing, wrong) -> None:
    mailing.record(mailing.event(1, EventKind.UNSUBSCRIBED), came_back(mailing, BEGAN + timedelta(hours=1)))
    assert suppressed(mailing) == []
    mailing.record(left_by_mail(mailing, wrong, source_id="a mail"))
    assert suppressed(mailing) == ["ann@example.org"]


def test_a_mail_that_is_read_late_counts_at_its_own_date(mailing) -> None:
    mailing.record(came_back(mailing, BEGAN + timedelta(hours=2)))
    mailing.record(left_by_mail(mailing, BEGAN + timedelta(hours=1)))
    assert suppressed(mailing) == []


def test_a_recount_finds_the_same_choices(mailing) -> None:
    for number, wrong in enumerate(WRONG):
        mailing.record(left_by_mail(mailing, wrong, source_id=f"{number}"))
    mailing.record(came_back(mailing, datetime.now(UTC)), mailing.event(2, EventKind.UNSUBSCRIBED, after=3))
    mailing.world.execute("UPDATE message_feedback SET first_at = %s, last_at = %s", BEGAN, BEGAN)
    mailing.world.execute("DELETE FROM message_event WHERE occurred_at < %s", BEGAN)
    recount_events(mailing.world.conn, Actor(name="ann"), repair=True)
    assert mailing.feedback(1) == (0, False, False)
    assert mailing.feedback(2) == (0, False, True)
    assert recount_events(mailing.world.conn, Actor(name="ann"), repair=False).messages_wrong == 0


def test_a_timeline_has_an_event_of_a_wrong_clock_where_it_arrived(mailing) -> None:
    mailing.record(mailing.event(1, EventKind.DEFERRED, after=1))
    for number, wrong in enumerate(WRONG):
        mailing.record(mailing.event(1, EventKind.BOUNCED, occurred_at=wrong, source_id=f"{number}"))
    mailing.record(mailing.event(1, EventKind.DELIVERED, after=2))
    shown = timeline.events(mailing.world.conn, mailing.occurrence_id, 1, with_raw=False)
    assert [one.kind for one in shown] == ["deferred", "delivered", "bounced", "bounced", "bounced"]
    assert [one.occurred_at.year for one in shown[2:]] == [9999, 2038, 1970]
