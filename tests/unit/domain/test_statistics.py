"""Rates with their parts; sums of numerators and denominators, never averages of percentages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.statistics import RATES, Counts, rates

COUNT = st.integers(0, 10**6)
COUNTS = st.builds(Counts, **dict.fromkeys(Counts.__dataclass_fields__, COUNT))


def test_a_rate_of_nothing_is_no_rate_and_not_zero():
    assert {one.share for one in rates(Counts()).values()} == {None}


def test_mail_without_a_pixel_has_no_open_rate():
    counts = Counts(accepted=100, opened_people=0, opens_tracked=0)
    assert rates(counts)["open_rate"].share is None
    assert rates(counts)["bounce_rate"].share == 0


def test_suppressed_and_dropped_mail_is_in_no_denominator_of_what_people_do():
    counts = Counts(accepted=100, suppressed=50, dropped=10, soft_bounced=3, hard_bounced=2, complained=1)
    rate = rates(counts)["complaint_rate"]
    assert (rate.count, rate.of, rate.denominator) == (1, 85, "reached")
    assert counts.requested == 150


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_the_rate_of_a_sum_is_of_the_sums_of_its_parts(parts):
    total = sum(parts[1:], parts[0])
    for name, numerator, _ in RATES:
        assert rates(total)[name].count == sum(getattr(one, numerator) for one in parts)
