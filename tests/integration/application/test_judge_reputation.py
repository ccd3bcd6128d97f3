"""Judging sender domains on a real database: rows in, levels and decisions out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import judge_reputation
from ses_ops.application.blocked_mail import release_blocked
from ses_ops.application.judge_reputation import judge_all, judge_domain
from ses_ops.application.reputation_decisions import block
from ses_ops.application.reputation_view import reputation_of
from ses_ops.domain.reputation import Figures, Rate
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.warmup import ReputationPlan
from ses_ops.storage.connection import connect
from ses_ops.storage.reputation import decisions, states
from tests.actors import ANYBODY
from tests.integration.reputation_world import DAY, TODAY, ReputationWorld, plan_of, plans_of

DOMAIN = "mail.example.com"


@pytest.fixture
def domain(ses_dsn):
    conn = connect(ses_dsn)
    yield ReputationWorld(conn=conn, domain=DOMAIN)
    conn.close()


def kinds(made) -> list[str]:
    return [one.kind.value for one in made]


def test_good_mail_raises_a_measured_domain_at_once_and_only_as_far_as_it_reached(domain):
    domain.measured()
    domain.day(accepted=700)
    judged = judge_domain(domain.conn, plan_of(DOMAIN))
    assert kinds(judged.decisions) == ["start", "raise", "raise"]
    assert (judged.level, judged.raised, judged.held) == (3, True, None)
    again = judge_domain(domain.conn, plan_of(DOMAIN))
    assert (again.level, again.raised, again.decisions) == (3, False, [])


def test_without_a_feed_the_domain_is_unmeasured_and_stays(domain):
    domain.day(accepted=5_000)
    judged = judge_domain(domain.conn, plan_of(DOMAIN))
    assert (judged.level, judged.raised) == (1, False)
    assert judged.held is not None
    assert judged.held.code == "reputation_unmeasured"
    assert not reputation_of(domain.conn, plans_of(plan_of(DOMAIN)), DOMAIN).measured


def test_a_bad_day_lowers_once_from_tomorrow_and_blocks_today(domain):
    domain.measured()
    plan = plan_of(DOMAIN, ReputationPlan(start_level=5))
    domain.day(accepted=800, invalid_refused=200)
    judged = judge_domain(domain.conn, plan)
    assert kinds(judged.decisions) == ["start", "block", "lower"]
    assert judged.level == 5
    judge_domain(domain.conn, plan)
    state = states.of_domain(domain.conn, DOMAIN)
    assert (state.level, state.next_level, state.next_day) == (5, 4, TODAY + DAY)
    assert state.blocked_until == TODAY + DAY
    assert state.blocked_why.code == "reputation_blocked_invalid"
    assert state.level_on(TODAY + DAY, plan.reputation) == 4


def test_who_was_blocked_and_released_by_a_person_today_is_still_blocked_by_the_figures(domain):
    domain.measured()
    plan = plan_of(DOMAIN, ReputationPlan(start_level=5))
    judge_domain(domain.conn, plan)
    block(domain.conn, ANYBODY, plans_of(plan), DOMAIN, reason="a wrong subject")
    release_blocked(domain.conn, ANYBODY, plans_of(plan), DOMAIN)
    domain.day(accepted=700, invalid_refused=300)
    assert kinds(judge_domain(domain.conn, plan).decisions) == ["block", "lower"]
    # What the figures had blocked stays released for the day.
    release_blocked(domain.conn, ANYBODY, plans_of(plan), DOMAIN)
    assert judge_domain(domain.conn, plan).decisions == []


def test_a_domain_whose_first_day_begins_while_it_is_read_is_judged(domain, monkeypatch):
    plan = plan_of(DOMAIN, started_at=datetime.now(UTC) + timedelta(seconds=1))
    now, moments = judge_reputation.database_now, [plan.started_at - timedelta(microseconds=1), plan.started_at]
    monkeypatch.setattr(
        judge_reputation, "database_now", lambda conn: moments.pop(0) if moments else max(now(conn), plan.started_at)
    )
    assert kinds(judge_domain(domain.conn, plan).decisions) == ["start"]


def test_late_bounces_of_an_earlier_day_lower_from_tomorrow_and_count_among_that_days_mail(domain):
    domain.measured()
    plan = plan_of(DOMAIN, ReputationPlan(start_level=5))
    domain.day(3, accepted=10)
    judge_domain(domain.conn, plan)
    domain.execute("UPDATE reputation_decision SET quota_day = quota_day - interval '10 days'")
    domain.day(2, accepted=1_000)
    domain.day(0, accepted=50)
    assert judge_domain(domain.conn, plan).decisions == []
    domain.feedback(2, figures=Figures(hard_bounced=91))
    (made,) = judge_domain(domain.conn, plan).decisions
    assert (made.kind, made.of_day, made.effective_at) == (DecisionKind.LOWER, TODAY - 2 * DAY, TODAY + DAY)
    assert made.why.facts["count"] == 91
    assert made.why.facts["total"] == 1_000
    assert judge_domain(domain.conn, plan).decisions == []


def test_tests_and_simulators_are_in_no_rate(domain):
    domain.measured()
    domain.day(kind="test", accepted=400, spam_refused=400)
    domain.day(provider="simulator", accepted=400, invalid_refused=400, hard_bounced=300)
    judged = judge_domain(domain.conn, plan_of(DOMAIN))
    assert kinds(judged.decisions) == ["start"]
    assert reputation_of(domain.conn, plans_of(plan_of(DOMAIN)), DOMAIN).today == Figures()


def test_a_relay_that_refuses_everything_alarms_and_lowers_nothing(domain):
    domain.measured()
    domain.day(infrastructure_refused=4_000, accepted=5)
    judged = judge_domain(domain.conn, plan_of(DOMAIN, ReputationPlan(start_level=9)))
    assert kinds(judged.decisions) == ["start", "alarm"]
    assert judged.level == 9


def test_two_judges_at_once_change_the_level_once(domain, ses_dsn):
    domain.measured()
    plan = plan_of(DOMAIN)
    judge_domain(domain.conn, plan)
    domain.day(accepted=400)
    gate = threading.Barrier(8)

    def one_judge(_):
        with connect(ses_dsn) as conn:
            gate.wait(30)
            found = judge_domain(conn, plan).decisions
        conn.close()
        return found

    with ThreadPoolExecutor(8) as pool:
        made = [one for found in pool.map(one_judge, range(8)) for one in found]
    assert kinds(made) == ["raise"]
    assert states.of_domain(domain.conn, DOMAIN).level == 2
    assert len(decisions.of_domain(domain.conn, DOMAIN)) == 2


def test_all_domains_are_judged_and_one_that_has_not_begun_holds_up_nobody(domain):
    domain.measured()
    domain.day(accepted=400)
    other = ReputationWorld(conn=domain.conn, domain="other.example")
    other.day(accepted=10)
    late = plan_of("late.example", started_on="2999-01-01", started_at=TODAY + 900 * DAY)
    found = judge_all(domain.conn, plans_of(late, plan_of("other.example"), plan_of(DOMAIN)))
    assert {one.sender_domain: one.level for one in found} == {"other.example": 1, DOMAIN: 2}
    again = judge_all(domain.conn, plans_of(late, plan_of("other.example"), plan_of(DOMAIN)))
    assert {one.sender_domain: one.level for one in again} == {"other.example": 1, DOMAIN: 2}
    assert not [one for one in again if one.decisions]


def test_the_view_says_what_is_missing_for_the_next_level(domain):
    domain.measured()
    domain.day(accepted=290, invalid_refused=10)
    plan = plan_of(DOMAIN)
    judge_domain(domain.conn, plan)
    view = reputation_of(domain.conn, plans_of(plan), DOMAIN)
    assert (view.level, view.quota, view.today.attempted) == (1, 500, 300)
    assert (view.next_raise.level, view.next_raise.needed, view.next_raise.missing) == (2, 350, 50)
    assert view.next_raise.unmet == ()
    assert view.next_raise.held is None
    (invalid,) = [one for one in view.rates if one.rate is Rate.INVALID]
    assert invalid.today == (10, 300)
    assert {one.rule: (one.holds, one.distance) for one in invalid.limits} == {
        "raise_1": (True, 5),
        "lower": (False, 18),
        "block": (False, 24),
    }
    assert [one.level for one in view.days] == [1]
