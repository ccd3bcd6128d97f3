"""Rates say of what they are a part, and that nobody measured is not a zero; silence of the feeds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.domain.feed_silence import SENT, silence
from ses_ops.domain.feedback import Feedback, TaskFeedback

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def counts(feeds: tuple[str, ...] = (), *, has_link: bool = False, **more: int) -> TaskFeedback:
    numbers = dict.fromkeys(Feedback, 0) | {Feedback(name): count for name, count in more.items()}
    return TaskFeedback(**{one.value: count for one, count in numbers.items()}, feeds=feeds, has_link=has_link)


def rate(found: TaskFeedback, feedback: Feedback, sent: int = 1_000):
    return next(one for one in found.rates(sent) if one.feedback is feedback)


def test_without_a_feed_nothing_is_measured_and_nothing_is_zero():
    assert {one.count for one in counts().rates(1_000)} == {None}
    assert {one.share for one in counts().rates(1_000)} == {None}


@pytest.mark.parametrize(
    ("feeds", "measured"),
    [
        (("bounce_mail",), {"hard_bounced", "soft_bounced", "deferred"}),
        (("feedback_report",), {"complained"}),
        (("one_click",), {"unsubscribed"}),
        (("sendgrid",), set(Feedback)),
    ],
)
def test_a_feed_measures_what_it_tells_of(feeds, measured):
    assert {one.feedback for one in counts(feeds).rates(10) if one.count is not None} == measured


def test_our_own_link_measures_unsubscriptions():
    assert rate(counts(has_link=True), Feedback.UNSUBSCRIBED).count == 0


def test_what_was_counted_is_measured_whoever_told():
    assert rate(counts(complained=2), Feedback.COMPLAINED).count == 2


def test_bounces_are_a_part_of_the_sent_and_complaints_of_the_delivered():
    found = counts(("amazon_ses",), delivered=800, hard_bounced=50, complained=4)
    assert rate(found, Feedback.HARD_BOUNCED).share == pytest.approx(0.05)
    complaints = rate(found, Feedback.COMPLAINED)
    assert (complaints.of, complaints.base, complaints.share) == (800, "delivered", pytest.approx(0.005))


def test_complaints_are_a_part_of_the_sent_where_nobody_tells_of_deliveries():
    complaints = rate(counts(("bounce_mail", "feedback_report"), complained=4), Feedback.COMPLAINED)
    assert (complaints.of, complaints.base) == (1_000, "sent")


def test_no_rate_is_above_one_when_a_complaint_comes_before_its_delivery():
    assert rate(counts(("amazon_ses",), complained=3), Feedback.COMPLAINED).share == 1


@pytest.mark.parametrize(
    ("sent", "hours", "alarms"),
    [(SENT, 25, True), (SENT - 1, 25, False), (SENT, 23, False), (SENT, None, True)],
)
def test_much_mail_and_no_event_for_a_day_alarms(sent, hours, alarms):
    last = {} if hours is None else {"bounce_mail": NOW - timedelta(hours=hours)}
    assert silence(sent, last, now=NOW).alarms is alarms


def test_unsubscriptions_alone_do_not_show_that_bounces_are_heard():
    found = silence(SENT, {"one_click": NOW, "bounce_mail": NOW - timedelta(days=2)}, now=NOW)
    assert (found.alarms, found.silent) == (True, ("bounce_mail",))


def test_one_feed_of_bounces_that_is_heard_is_enough():
    found = silence(SENT, {"amazon_ses": NOW, "bounce_mail": NOW - timedelta(days=2)}, now=NOW)
    assert (found.alarms, found.silent) == (False, ("bounce_mail",))
