"""Judging days: once each, one by one, in any order of what is told, and never above the caps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.domain.reputation import DayFigures, Figures, lowered_by, quota_of
from ses_ops.domain.reputation_decision import DecisionKind, NewDecision
from ses_ops.domain.reputation_judgement import PastDecisions, judge
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.warmup import ReputationPlan

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = ReputationPlan()
GOOD, BAD, SMALL = Figures(accepted=10**6), Figures(accepted=900, invalid_refused=100), Figures(accepted=10)


def day(number: int, figures: Figures) -> DayFigures:
    return DayFigures(NOW + number * DAY, NOW + (number + 1) * DAY, figures)


class Domain:
    """A domain whose days are judged as the application does, with its decisions kept."""

    def __init__(self, level: int = 1, plan: ReputationPlan = PLAN, *, measured: bool = True) -> None:
        self.state = ReputationState(sender_domain="mail.example", level=level)
        self.plan = plan
        self.measured = measured
        self.made: list[NewDecision] = []

    def judge(self, days: Sequence[DayFigures], *, waiting: int = 0):
        found = judge(
            self.plan, self.state, days[:-1], days[-1], past=self.past, measured=self.measured, waiting=waiting
        )
        self.state = found.state
        self.made += found.decisions
        return found

    @property
    def past(self) -> PastDecisions:
        def of(kind: DecisionKind) -> frozenset[datetime]:
            return frozenset(one.of_day for one in self.made if one.kind is kind and one.of_day is not None)

        return PastDecisions(
            lowered=of(DecisionKind.LOWER), blocked=of(DecisionKind.BLOCK), alarmed=of(DecisionKind.ALARM)
        )

    @property
    def told(self) -> list[tuple[str, int | None, int | None]]:
        return [(one.kind.value, one.level_before, one.level_after) for one in self.made]

    def level_on(self, number: int) -> int:
        return self.state.level_on(NOW + number * DAY, self.plan)


def test_a_domain_goes_from_one_to_twenty_within_one_day_and_no_further():
    domain = Domain()
    for level in range(1, 22):
        domain.judge([day(0, Figures(accepted=quota_of(min(level, 20)) * 70 // 100))])
    assert domain.told == [("raise", level, level + 1) for level in range(1, 20)]
    assert domain.level_on(0) == 20


def test_several_levels_at_one_judging_each_with_its_decision():
    domain = Domain()
    domain.judge([day(0, Figures(accepted=1_400))])
    assert domain.told == [("raise", 1, 2), ("raise", 2, 3), ("raise", 3, 4)]


def test_one_message_less_than_seventy_percent_does_not_raise():
    domain = Domain()
    domain.judge([day(0, Figures(accepted=349))])
    assert domain.told == []
    domain.judge([day(0, Figures(accepted=350))])
    assert domain.told == [("raise", 1, 2)]


def test_a_bad_day_lowers_once_and_from_the_next_day():
    domain = Domain(level=5)
    for _ in range(3):
        domain.judge([day(0, BAD)])
    assert domain.told == [("lower", 5, 4)]
    assert (domain.level_on(0), domain.level_on(1)) == (5, 4)
    domain.judge([day(0, BAD), day(1, SMALL)])
    assert domain.state.level == 4
    assert domain.told == [("lower", 5, 4)]


def test_a_good_day_with_a_bad_one_in_its_window_does_not_raise():
    domain = Domain(level=1)
    domain.state = replace(domain.state, judged_day=NOW)
    domain.judge([day(0, replace(BAD, accepted=9_000, invalid_refused=1_000)), day(1, Figures(accepted=500))])
    assert "raise" not in [kind for kind, _, _ in domain.told]


def test_the_lowest_level_is_lowered_no_further_and_its_bad_day_is_used_up():
    domain = Domain(level=1)
    domain.judge([day(0, BAD)])
    assert domain.told == [("lower", 1, 1)]
    domain.judge([day(0, BAD), day(1, SMALL)])
    domain.state = replace(domain.state, level=3)
    domain.judge([day(0, BAD), day(1, SMALL)])
    assert domain.told == [("lower", 1, 1)]


def test_late_complaints_of_an_earlier_day_lower_from_tomorrow_also_when_nothing_was_sent_since():
    domain = Domain(level=5)
    clean = Figures(accepted=1_000)
    domain.judge([day(0, clean)])
    domain.judge([day(0, clean), day(3, Figures())])
    domain.judge([day(0, replace(clean, complained=6)), day(3, Figures())])
    assert domain.told == [("lower", 5, 4)]
    assert (domain.level_on(3), domain.level_on(4)) == (5, 4)


def test_two_bad_days_lower_twice_and_a_raise_in_between_keeps_its_step():
    domain = Domain(level=5)
    domain.judge([day(0, SMALL)])
    domain.judge([day(0, BAD), day(1, BAD)])
    assert domain.told == [("lower", 5, 4), ("lower", 4, 3)]
    assert (domain.level_on(1), domain.level_on(2)) == (5, 3)


def test_a_raise_on_a_day_on_which_an_earlier_one_was_found_bad_is_lowered_with_it():
    domain = Domain(level=2)
    domain.judge([day(0, SMALL)])
    few = Figures(accepted=301, complained=2)
    much = Figures(accepted=5_000)
    domain.judge([day(0, few), *(day(n, Figures(accepted=5_000)) for n in (1, 2, 3)), day(4, much)])
    assert [kind for kind, _, _ in domain.told].count("lower") == 1
    assert domain.level_on(4) > 2
    assert domain.level_on(5) == domain.level_on(4) - 1


def test_days_that_nobody_judged_are_made_up_one_by_one():
    """The system was down for three days on which other hands sent mail: each day counts as it would have."""
    once, daily = Domain(level=5), Domain(level=5)
    days = [day(0, SMALL), day(1, BAD), day(2, BAD), day(3, SMALL)]
    for last in range(1, 5):
        daily.judge(days[:last])
    once.judge(days[:1])
    once.judge(days)
    assert once.told == daily.told == [("lower", 5, 4), ("lower", 4, 3)]
    assert once.level_on(3) == daily.level_on(3) == 3
    assert [one.effective_at for one in once.made] == [one.effective_at for one in daily.made]


def test_a_missed_good_day_raises_and_then_the_missed_bad_one_lowers():
    once, daily = Domain(), Domain()
    days = [day(0, SMALL), day(1, Figures(accepted=500)), day(2, BAD), day(3, SMALL)]
    for last in range(1, 5):
        daily.judge(days[:last])
    once.judge(days[:1])
    once.judge(days)
    assert [one for one in once.told if one[0] != "block"] == [one for one in daily.told if one[0] != "block"]
    assert once.level_on(3) == daily.level_on(3)


def test_a_block_ends_with_its_day_and_comes_once_a_day_also_after_a_release():
    domain = Domain(level=5)
    bad = Figures(accepted=800, invalid_refused=200)
    domain.judge([day(0, bad)])
    assert domain.state.blocked_until == NOW + DAY
    domain.state = replace(domain.state, blocked_until=None, blocked_why=None)
    domain.judge([day(0, bad)])
    assert domain.state.blocked_until is None
    domain.judge([day(0, bad), day(1, bad)])
    assert domain.state.blocked_until == NOW + 2 * DAY
    assert [kind for kind, _, _ in domain.told].count("block") == 2


def test_a_domain_that_nobody_measures_is_lowered_and_blocked_and_never_raised():
    domain = Domain(level=3, measured=False)
    held = domain.judge([day(0, GOOD)]).held
    assert held is not None
    assert held.code == "reputation_unmeasured"
    domain.judge([day(0, GOOD), day(1, Figures(accepted=700, spam_refused=300))])
    assert [kind for kind, _, _ in domain.told] == ["block", "lower"]


def test_a_raise_waits_while_much_is_deferred():
    domain = Domain()
    assert domain.judge([day(0, Figures(accepted=400))], waiting=45).held.code == "reputation_much_deferred"
    assert domain.judge([day(0, Figures(accepted=400, deferred=41))]).held.code == "reputation_much_deferred"
    assert domain.told == []
    domain.judge([day(0, Figures(accepted=400, deferred=40))])
    assert domain.told == [("raise", 1, 2)]


def test_a_pinned_level_stays_whatever_the_figures_say_and_what_was_bad_meanwhile_lowers_nothing_later():
    domain = Domain(level=6)
    domain.state = replace(domain.state, pinned_level=6)
    domain.judge([day(0, BAD)])
    domain.judge([day(0, BAD), day(1, GOOD)])
    assert domain.told == []
    domain.state = replace(domain.state, pinned_level=None)
    past = replace(domain.past, lower_from=NOW + 2 * DAY)
    found = judge(PLAN, domain.state, [day(0, BAD), day(1, BAD)], day(2, SMALL), past=past, measured=True)
    assert found.decisions == ()


def test_after_a_reset_the_days_before_are_not_looked_at():
    domain = Domain(level=1)
    domain.state = replace(domain.state, judged_day=NOW, reset_at=NOW + 1.5 * DAY)
    domain.judge([day(0, BAD), day(1, BAD), day(2, Figures(accepted=400))])
    assert domain.told == [("raise", 1, 2)]
    assert domain.made[0].window == Figures(accepted=400)


def test_a_cap_holds_a_raise_and_a_lowering_begins_below_it():
    domain = Domain(level=2, plan=ReputationPlan(max_level=3))
    domain.judge([day(0, GOOD)])
    assert domain.told == [("raise", 2, 3)]
    domain = Domain(level=12)
    domain.state = replace(domain.state, max_level=4)
    domain.judge([day(0, BAD)])
    assert domain.told == [("lower", 4, 3)]


def test_a_relay_that_fails_alarms_once_a_day_and_lowers_nothing():
    domain = Domain(level=8)
    broken = Figures(accepted=5, infrastructure_refused=20_000)
    for _ in range(2):
        domain.judge([day(0, broken)])
    assert domain.told == [("alarm", 8, 8)]


DAYS = st.lists(
    st.builds(
        Figures,
        accepted=st.sampled_from([0, 10, 290, 350, 2_000, 20_000]),
        invalid_refused=st.sampled_from([0, 0, 5, 40, 400]),
        spam_refused=st.sampled_from([0, 0, 5, 40, 400]),
        hard_bounced=st.sampled_from([0, 0, 10]),
        complained=st.sampled_from([0, 0, 0, 1, 10]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200)
@given(DAYS, st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**30))
def test_a_level_is_within_its_bounds_each_bad_day_lowers_once_and_judging_again_changes_nothing(
    figures, level, most, seed
):
    domain = Domain(level=min(level, most), plan=ReputationPlan(max_level=most))
    days = [day(n, one) for n, one in enumerate(figures)]
    draw = random.Random(seed)
    for last in range(1, len(days) + 1):
        for _ in range(draw.choice((0, 1, 1, 3))):
            domain.judge(days[:last])
            assert 1 <= domain.level_on(last - 1) <= most
            assert 1 <= domain.level_on(last) <= most
    domain.judge(days)
    before = len(domain.made)
    domain.judge(days)
    assert len(domain.made) == before
    lowered = [one.of_day for one in domain.made if one.kind is DecisionKind.LOWER]
    assert len(lowered) == len(set(lowered))
    judged_from = domain.made  # every decision has figures that say the same as it
    for one in judged_from:
        assert one.kind is not DecisionKind.LOWER or lowered_by(one.figures)


@settings(max_examples=100)
@given(DAYS)
def test_judging_every_day_several_times_gives_what_judging_it_once_at_its_end_gives(figures):
    often, once = Domain(level=4), Domain(level=4)
    days = [day(n, one) for n, one in enumerate(figures)]
    for last in range(1, len(days) + 1):
        once.judge(days[:last])
        for _ in range(3):
            often.judge(days[:last])
    assert often.told == once.told
    assert often.state == once.state


def test_the_same_call_gives_the_same():
    days = [day(0, BAD), day(1, GOOD)]
    state = ReputationState(sender_domain="d", level=4, judged_day=NOW)
    made = {str(judge(PLAN, state, days[:1], days[1], past=PastDecisions(), measured=True)) for _ in range(5)}
    assert len(made) == 1


@pytest.mark.parametrize("kind", ["raise", "lower"])
def test_a_decision_has_its_figures_and_its_window(kind):
    domain = Domain(level=2)
    domain.judge([day(0, Figures(accepted=600)), day(1, Figures(accepted=800) if kind == "raise" else BAD)])
    (made,) = [one for one in domain.made if one.kind.value == kind]
    assert made.figures.attempted == (800 if kind == "raise" else 1_000)
    assert (made.window is not None) is (kind == "raise")
