"""Rates with their parts; sums of numerators and denominators, never averages of percentages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.mail_statistics import RATES, MailCounts, rates

#: A provider's feed tells of everything.
FEEDS = ("amazon_ses",)
COUNT = st.integers(0, 10**6)
COUNTS = st.builds(MailCounts, **dict.fromkeys(MailCounts.__dataclass_fields__, COUNT))


def test_a_rate_of_nothing_is_no_rate_and_not_zero():
    assert {one.share for one in rates(MailCounts(), FEEDS).values()} == {None}


def test_mail_without_a_pixel_has_no_open_rate():
    counts = MailCounts(accepted=100, opened_people=0, opens_tracked=0)
    assert rates(counts, FEEDS)["open_rate"].share is None
    assert rates(counts, FEEDS)["bounce_rate"].share == 0


def test_suppressed_and_dropped_mail_is_in_no_denominator_of_what_people_do():
    counts = MailCounts(accepted=100, suppressed=50, dropped=10, soft_bounced=3, hard_bounced=2, complained=1)
    rate = rates(counts, FEEDS)["complaint_rate"]
    assert (rate.count, rate.of, rate.denominator) == (1, 85, "reached")
    assert counts.requested == 150


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_the_rate_of_a_sum_is_of_the_sums_of_its_parts(parts):
    total = sum(parts[1:], parts[0])
    for name, numerator, _ in RATES:
        assert rates(total, FEEDS)[name].count == sum(getattr(one, numerator) for one in parts)


def test_what_nobody_told_of_is_not_measured():
    counts = MailCounts(accepted=100)
    assert rates(counts, ["bounce_mail"])["bounce_rate"].share == 0
    assert rates(counts, ["bounce_mail"])["complaint_rate"].share is None
    assert rates(MailCounts(accepted=100, complained=1), [])["complaint_rate"].share == 0.01
