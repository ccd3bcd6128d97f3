"""Of several thresholds that a day has passed the one is named that is passed the farthest, by its own measure."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.reputation import BLOCKS, FLOOR, LOWERS, Figures, Rate, blocked_by, lowered_by

COUNTS = st.integers(min_value=0, max_value=3_000)
DAYS = st.builds(
    Figures,
    accepted=st.integers(min_value=FLOOR + 1, max_value=3_000),
    invalid_refused=COUNTS,
    spam_refused=COUNTS,
    other_refused=COUNTS,
    complained=st.integers(min_value=0, max_value=FLOOR),
)


@pytest.mark.parametrize(
    ("figures", "rate"),
    [
        # 12 % invalid is 1.33 times its 9 %, 2 % complaints are 4 times their 0.5 %.
        (Figures(accepted=880, invalid_refused=120, complained=18), Rate.COMPLAINT),
        (Figures(accepted=880, invalid_refused=120, complained=5), Rate.INVALID),
        # 20 % as spam is 4 times its 5 %, 20 % invalid 2.2 times its 9 %.
        (Figures(accepted=600, invalid_refused=200, spam_refused=200), Rate.SPAM_BOUNCE),
        # 70 % not delivered is twice what is allowed.
        (Figures(accepted=300, other_refused=700), Rate.DELIVERED),
    ],
)
def test_each_signal_is_measured_by_its_own_threshold(figures, rate):
    passed = lowered_by(figures)
    assert passed is not None
    assert passed.rate is rate


@given(DAYS)
def test_what_is_named_has_passed_and_no_other_has_passed_it_by_more(figures):
    for thresholds, passed in ((LOWERS, lowered_by(figures)), (BLOCKS, blocked_by(figures))):
        holding = [one for one in thresholds if one.holds(figures)]
        assert (passed is None) == (not holding)
        assert all(one.excess(figures) > Fraction(1) for one in holding)
        assert passed is None or passed.excess(figures) == max(one.excess(figures) for one in holding)
