"""The rules of the reference, each threshold from both sides; rates, distances and windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.reputation import (
    BLOCKS,
    FLOOR,
    LEVELS,
    LOWERS,
    RAISES,
    DayFigures,
    Figures,
    Rate,
    Ratio,
    Threshold,
    alarms,
    blocked_by,
    enough,
    good_by,
    lowered_by,
    much_deferred,
    total,
    window_of,
)
from ses_ops.domain.reputation_state import ReputationState, start_level
from ses_ops.domain.warmup import ReputationPlan

GOOD = Figures(accepted=10_000)
NOW = datetime(2026, 11, 29, tzinfo=UTC)
DAY = timedelta(days=1)


def of(attempted: int, **parts: int) -> Figures:
    """A day that attempted so many messages, of which those refused are parts."""
    refused = sum(count for name, count in parts.items() if name.endswith("_refused") and name[0] != "i")
    refused += parts.get("invalid_refused", 0)
    return Figures(accepted=attempted - refused, **parts)


def test_the_levels_are_those_of_the_reference():
    assert len(LEVELS) == 20
    assert (LEVELS[0], LEVELS[9], LEVELS[10], LEVELS[12], LEVELS[19]) == (500, 100_000, 150_000, 300_000, 1_000_000)


@pytest.mark.parametrize(
    ("level", "attempted", "is_enough"),
    [
        (1, 349, False),  # 69.8 %
        (1, 350, True),
        (2, 699, False),  # 69.9 %
        (2, 700, True),
        (20, 699_999, False),
        (20, 700_000, True),
    ],
)
def test_seventy_percent_of_the_quota(level, attempted, is_enough):
    assert enough(Figures(accepted=attempted), level) is is_enough


@pytest.mark.parametrize(
    ("figures", "good"),
    [
        (of(10_000, invalid_refused=499), True),
        (of(10_000, invalid_refused=500), False),  # 5.0 % is not less than 5 %
        (of(10_000, hard_bounced=499), True),
        (of(10_000, hard_bounced=500), False),
        (of(10_000, other_refused=799), True),  # 92.01 % delivered
        (of(10_000, other_refused=800), False),  # 92.0 % is not more than 92 %
        (of(10_000, soft_bounced=799), True),
        (of(10_000, soft_bounced=800), False),
        (of(10_000, spam_refused=249), True),
        (of(10_000, spam_refused=250), False),
        (of(10_000, soft_bounced=249, spam_bounced=249), True),
        (of(10_000, soft_bounced=250, spam_bounced=250), False),
        (of(10_000, complained=9), True),
        (of(10_000, complained=10), False),  # 0.1 % is not less than 0.1 %
        (Figures(), False),
    ],
)
def test_the_first_rule_of_a_raise(figures, good):
    assert (good_by(figures) == 1) is good


@pytest.mark.parametrize(
    ("figures", "rule"),
    [
        (of(10_000, other_refused=999, opens_tracked=9_000, opened_people=4_501), 2),
        (of(10_000, other_refused=999, opens_tracked=9_000, opened_people=4_500), None),  # 50 % is not more than 50 %
        (of(10_000, other_refused=1_000, opens_tracked=9_000, opened_people=9_000), None),  # 90.0 % delivered
        (of(10_000, invalid_refused=600, opens_tracked=9_000, opened_people=4_501), 2),
        (of(10_000, invalid_refused=600, opens_tracked=9_000, opened_people=4_501, complained=10), None),
        # Of less than half of the mail nobody knows the rest.
        (of(10_000, invalid_refused=600, opens_tracked=4_699, opened_people=4_699), None),
        (of(10_000, invalid_refused=600, opens_tracked=4_700, opened_people=4_700), 2),
        (of(10_000, invalid_refused=600), None),
    ],
)
def test_the_second_rule_of_a_raise(figures, rule):
    assert good_by(figures) == rule


@pytest.mark.parametrize(
    ("figures", "rate"),
    [
        (of(1_000, invalid_refused=90), None),  # 9.0 % is not more than 9 %
        (of(1_000, invalid_refused=91), Rate.INVALID),
        (of(1_000, hard_bounced=91), Rate.INVALID),
        (of(1_000, other_refused=350), None),  # 65.0 % is not less than 65 %
        (of(1_000, other_refused=351), Rate.DELIVERED),
        (of(1_000, spam_refused=50), None),
        (of(1_000, spam_refused=51), Rate.SPAM_BOUNCE),
        (of(1_000, complained=5), None),
        (of(1_000, complained=6), Rate.COMPLAINT),
        (of(300, spam_refused=300), None),
        (of(301, spam_refused=301), Rate.SPAM_BOUNCE),
        (of(301, other_refused=301), Rate.DELIVERED),
        (of(301, spam_refused=16), Rate.SPAM_BOUNCE),
        # Of several the one that is passed the farthest: 12 % of 9, and 2 % of 0.5.
        (of(1_000, invalid_refused=120, complained=20), Rate.COMPLAINT),
    ],
)
def test_what_lowers_and_from_how_many_messages(figures, rate):
    passed = lowered_by(figures)
    assert (passed and passed.rate) == rate


@pytest.mark.parametrize(
    ("figures", "rate"),
    [
        (of(1_000, invalid_refused=110), None),
        (of(1_000, invalid_refused=111), Rate.INVALID),
        (of(1_000, spam_refused=150), None),
        (of(1_000, spam_refused=151), Rate.SPAM_BOUNCE),
        (of(1_000, other_refused=999), None),
        (of(1_000, complained=999), None),
        (of(300, invalid_refused=300), None),
        (of(301, invalid_refused=301), Rate.INVALID),
    ],
)
def test_what_blocks(figures, rate):
    passed = blocked_by(figures)
    assert (passed and passed.rate) == rate


def test_what_is_deferred_is_not_final_and_counts_in_neither_part_of_deliverability():
    figures = of(1_000, deferred=500, soft_bounced=50)
    assert figures.rate(Rate.DELIVERED) == Ratio(450, 500)
    assert figures.rate(Rate.INVALID) == Ratio(0, 1_000)


def test_failures_of_our_own_side_and_what_a_provider_dropped_are_in_no_rate():
    plain = of(1_000, hard_bounced=10, soft_bounced=20, spam_bounced=5)
    more = of(
        1_200,
        hard_bounced=10,
        soft_bounced=120,
        spam_bounced=5,
        infrastructure_bounced=100,
        dropped=100,
        infrastructure_refused=5_000,
    )
    for rate in Rate:
        assert more.rate(rate) == plain.rate(rate)
    assert not lowered_by(Figures(infrastructure_refused=100_000))


@pytest.mark.parametrize(
    ("figures", "alarmed"),
    [
        (of(180, infrastructure_refused=19), False),
        (of(179, infrastructure_refused=20), True),  # 20 of 199
        (of(180, infrastructure_refused=20), False),  # 10.0 % of 200 is not more than 10 %
        (of(1_000, infrastructure_refused=112), True),
        (of(1_000, infrastructure_refused=111), False),
    ],
)
def test_many_failures_of_our_own_side_alarm(figures, alarmed):
    assert alarms(figures) is alarmed


def test_more_than_a_tenth_deferred_is_much():
    assert not much_deferred(of(1_000, deferred=100), 0)
    assert much_deferred(of(1_000, deferred=101), 0)
    assert not much_deferred(of(900), 100)
    assert much_deferred(of(899), 100)


def days(*attempted: int) -> list[DayFigures]:
    first = NOW - (len(attempted) - 1) * DAY
    return [
        DayFigures(first + n * DAY, first + (n + 1) * DAY, Figures(accepted=one)) for n, one in enumerate(attempted)
    ]


@pytest.mark.parametrize(
    ("attempted", "length"),
    [
        ((400,), 1),  # nothing else is there
        ((400, 400, 400), 3),
        ((5_000, 400, 400, 400), 3),  # 1 200 is three times the largest, and 1 000 or more
        ((5_000, 300, 300, 300), 4),  # 900 is not 1 000
        ((900, 900, 1_000, 10, 10), 5),  # three times the largest day of the window
        ((9_000, 50, 50, 10_000), 4),
        ((10, 9_000, 9_000, 10_000, 2_000), 4),
    ],
)
def test_the_window_goes_back_to_a_thousand_messages_and_three_times_its_largest_day(attempted, length):
    seen = days(*attempted)
    assert len(window_of(seen, seen[-1])) == length


def test_one_clean_blast_does_not_launder_the_bad_mailing_of_the_day_before():
    bad = of(1_000, invalid_refused=200)
    seen = [*days(1_000, 0, 3_000)]
    seen[0] = seen[0]._replace(figures=bad)
    assert good_by(seen[-1].figures) == 1
    assert good_by(total(window_of(seen, seen[-1]))) is None


FIGURES = st.builds(
    Figures,
    **{name: st.integers(0, 2_000) for name in Figures.__slots__},
)
THRESHOLDS = st.sampled_from([one for rule in (*RAISES, LOWERS, BLOCKS) for one in rule])


@given(part=st.integers(0, 3_000), whole=st.integers(1, 3_000), threshold=THRESHOLDS)
def test_the_distance_is_the_least_change_that_turns_the_comparison(part, whole, threshold):
    part = min(part, whole)

    def holds(count: int) -> bool:
        return (
            threshold.permille * whole < count * 1000 if threshold.above else count * 1000 < threshold.permille * whole
        )

    class Known(Figures):
        def rate(self, rate):
            return Ratio(part, whole)

    figures = Known()
    distance = threshold.distance(figures)
    assert distance >= 1
    assert threshold.holds(figures) is holds(part)
    direction = -1 if holds(part) is threshold.above else 1
    assert holds(part + direction * distance) is not holds(part)
    assert holds(part + direction * (distance - 1)) is holds(part)


@given(FIGURES)
def test_no_rate_of_messages_that_were_counted_once_exceeds_one_hundred_percent_and_all_are_whole_numbers(drawn):
    # As the ledger has them: what came back was accepted, and once.
    back = drawn.deferred + drawn.dropped + drawn.hard_bounced + drawn.soft_bounced
    figures = drawn + Figures(
        accepted=max(0, back - drawn.accepted),
        soft_bounced=max(0, drawn.spam_bounced + drawn.infrastructure_bounced - drawn.soft_bounced),
    )
    figures += Figures(accepted=figures.soft_bounced - drawn.soft_bounced)
    for rate in (Rate.INVALID, Rate.DELIVERED, Rate.SPAM_BOUNCE):
        part, whole = figures.rate(rate)
        assert 0 <= part <= whole
        assert isinstance(part, int)
    assert Figures.read(figures.stored) == figures


@given(FIGURES)
def test_what_blocks_for_its_addresses_or_as_spam_lowers_as_well_and_does_not_raise_by_the_first_rule(figures):
    if blocked_by(figures):
        assert lowered_by(figures)
        assert good_by(figures) != 1
    if figures.attempted <= FLOOR:
        assert not lowered_by(figures)


def test_a_percentage_is_cut_off_so_that_it_never_seems_to_have_passed_a_threshold():
    assert Ratio(8_999, 100_000).percent == "8.99"
    assert Ratio(1, 1_000).percent == "0.10"
    assert Ratio(0, 0).percent == "0.00"
    assert [Threshold(Rate.INVALID, True, one).percent for one in (90, 25, 1, 1000)] == ["9", "2.5", "0.1", "100"]


@pytest.mark.parametrize(
    ("plan", "calendar", "level"),
    [
        (ReputationPlan(), 500, 1),
        (ReputationPlan(start_level=4), 500, 4),
        (ReputationPlan(start_level=9, max_level=3), None, 3),
        (ReputationPlan(guard=True), 500, 1),
        (ReputationPlan(guard=True), 501, 2),
        (ReputationPlan(guard=True), 30_000, 7),
        (ReputationPlan(guard=True), 5_000_000, 20),
        (ReputationPlan(guard=True, max_level=5), 100_000, 5),
    ],
)
def test_where_a_domain_begins(plan, calendar, level):
    assert start_level(plan, calendar) == level


def test_a_pin_holds_whatever_the_caps_and_figures_say_and_a_lowering_begins_with_its_day():
    plan = ReputationPlan(max_level=10)
    state = ReputationState(sender_domain="d", level=12, next_level=8, next_day=NOW)
    assert state.level_on(NOW - DAY, plan) == 10
    assert state.level_on(NOW, plan) == 8
    assert ReputationState(sender_domain="d", level=2, pinned_level=14, max_level=3).level_on(NOW, plan) == 14
    assert ReputationState(sender_domain="d", level=9, max_level=3).level_on(NOW, plan) == 3
