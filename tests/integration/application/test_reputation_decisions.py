"""What a person decides about a sender domain holds, is on record, and frees or holds its mail."""

from __future__ import annotations

import pytest

from ses_ops.application import blocked_mail, reputation_decisions
from ses_ops.application.judge_reputation import judge_domain
from ses_ops.application.ports import Actor
from ses_ops.application.reputation_view import reputation_of
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.warmup import ReputationPlan
from ses_ops.errors import Conflict, InvalidInput, NotFound, QuotaError, ResumeNotAllowed
from ses_ops.storage.connection import connect
from ses_ops.storage.reputation import decisions, states
from ses_ops.storage.stored_moments import LAST
from tests.integration.reputation_world import DAY, TODAY, ReputationWorld, plan_of, plans_of

DOMAIN = "mail.example.com"
ANN = Actor(name="ann")
PLAN = plan_of(DOMAIN, ReputationPlan(start_level=3))
PLANS = plans_of(PLAN)
WHY = "a known list"


@pytest.fixture
def domain(ses_dsn):
    conn = connect(ses_dsn)
    world = ReputationWorld(conn=conn, domain=DOMAIN)
    world.measured()
    yield world
    conn.close()


def state(domain):
    return states.of_domain(domain.conn, DOMAIN)


def level(domain) -> int:
    return reputation_of(domain.conn, PLANS, DOMAIN).level


def newest(domain):
    return decisions.of_domain(domain.conn, DOMAIN)[0]


def test_a_pinned_level_holds_whatever_the_figures_say_and_the_figures_lead_again_after_it(domain):
    done = reputation_decisions.pin(domain.conn, ANN, PLANS, DOMAIN, 7, reason="  a known\n list ")
    assert (done.level_before, done.level_after) == (3, 7)
    domain.day(accepted=40_000)
    domain.day(1, accepted=700, invalid_refused=300)
    assert judge_domain(domain.conn, PLAN).level == 7
    assert level(domain) == 7
    one = newest(domain)
    assert (one.kind, one.level_before, one.level_after, one.actor, one.note) == (DecisionKind.PIN, 3, 7, "ann", WHY)
    done = reputation_decisions.unpin(domain.conn, ANN, PLANS, DOMAIN, reason=WHY)
    assert (done.level_before, done.level_after) == (7, 3)
    with pytest.raises(Conflict, match="not pinned"):
        reputation_decisions.unpin(domain.conn, ANN, PLANS, DOMAIN, reason=WHY)


def test_a_highest_level_comes_down_at_once_and_can_be_taken_away(domain):
    assert reputation_decisions.cap(domain.conn, ANN, PLANS, DOMAIN, 2, reason=WHY).level_after == 2
    domain.day(accepted=40_000)
    assert judge_domain(domain.conn, PLAN).level == 2, "figures raise it no further"
    assert level(domain) == 2
    assert reputation_decisions.cap(domain.conn, ANN, PLANS, DOMAIN, None, reason=WHY).level_after == 3
    assert state(domain).max_level is None


def test_a_block_holds_until_a_person_releases_the_domain_or_the_day_ends(domain):
    reputation_decisions.block(domain.conn, ANN, PLANS, DOMAIN, reason=WHY)
    assert state(domain).blocked_until == LAST
    assert state(domain).blocked_why.code == "reputation_blocked_by_person"
    assert domain.execute("SELECT blocked_until::text FROM reputation") == [("infinity",)]
    reputation_decisions.block(domain.conn, ANN, PLANS, DOMAIN, reason=WHY, today=True)
    assert state(domain).blocked_until == LAST, "a block for the day shortens none"
    assert state(domain).blocked_why.code == "reputation_blocked_by_person"
    blocked_mail.release_blocked(domain.conn, ANN, PLANS, DOMAIN, note=WHY)
    assert state(domain).blocked_until is None
    reputation_decisions.block(domain.conn, ANN, PLANS, DOMAIN, reason=WHY, today=True)
    assert state(domain).blocked_until == TODAY + DAY
    kinds = [one.kind.value for one in decisions.of_domain(domain.conn, DOMAIN)]
    assert kinds == ["block", "release", "block", "block"]


def test_what_was_released_is_not_blocked_again_by_the_same_figures(domain):
    domain.day(accepted=700, invalid_refused=300)
    judge_domain(domain.conn, PLAN)
    assert state(domain).blocked_until == TODAY + DAY
    blocked_mail.release_blocked(domain.conn, ANN, PLANS, DOMAIN, note=WHY)
    judge_domain(domain.conn, PLAN)
    assert state(domain).blocked_until is None


def test_after_a_reset_earlier_mail_counts_no_more_and_the_decisions_stay(domain):
    domain.day(accepted=700, invalid_refused=300)
    judge_domain(domain.conn, PLAN)
    before = len(decisions.of_domain(domain.conn, DOMAIN))
    done = reputation_decisions.reset(domain.conn, ANN, PLANS, DOMAIN, reason=WHY)
    assert done.level_after == 3
    found = state(domain)
    assert (found.level, found.next_level, found.blocked_until) == (3, None, None)
    assert judge_domain(domain.conn, PLAN).decisions == []
    assert len(decisions.of_domain(domain.conn, DOMAIN)) == before + 1


def test_a_reset_ends_no_block_for_a_person_who_may_not_start_the_mail_that_waits(domain):
    reputation_decisions.block(domain.conn, ANN, PLANS, DOMAIN, reason=WHY)
    task = domain.task()
    domain.day(accepted=1)
    domain.execute(
        "UPDATE chunk SET state = 'cached', pending = 1, sent = 0, sending_through = 0, cached_at = now(),"
        " due_at = now() + interval '1 day', reason = 'x', reason_explained = %s::jsonb WHERE task_id = %s",
        *('{"code": "sender_domain_blocked_for_good", "facts": {}}', task),
    )
    bob = Actor(name="bob", may_start=lambda name: False)
    with pytest.raises(ResumeNotAllowed):
        reputation_decisions.reset(domain.conn, bob, PLANS, DOMAIN, reason=WHY)
    assert state(domain).blocked_until == LAST
    reputation_decisions.pin(domain.conn, bob, PLANS, DOMAIN, 2, reason=WHY)
    reputation_decisions.reset(domain.conn, ANN, PLANS, DOMAIN, reason=WHY)
    assert state(domain).blocked_until is None


@pytest.mark.parametrize("given", [0, 21, -1])
def test_a_level_that_there_is_not_changes_nothing(domain, given):
    for use_case in (reputation_decisions.pin, reputation_decisions.cap):
        with pytest.raises(InvalidInput, match="from 1 to 20"):
            use_case(domain.conn, ANN, PLANS, DOMAIN, given, reason=WHY)
    assert state(domain) is None
    assert decisions.of_domain(domain.conn, DOMAIN) == []


def test_a_decision_without_a_reason_or_without_a_plan_is_refused(domain):
    for reason in ("", " \n "):
        with pytest.raises(InvalidInput, match="reason"):
            reputation_decisions.block(domain.conn, ANN, PLANS, DOMAIN, reason=reason)
    with pytest.raises((QuotaError, NotFound)):
        reputation_decisions.block(domain.conn, ANN, PLANS, "other.example", reason=WHY)
    assert domain.execute("SELECT count(*)::int FROM reputation_decision") == [(0,)]


def test_a_calendar_alone_can_be_blocked_and_capped_too(domain):
    plan = plan_of(DOMAIN)
    calendar = plans_of(type(plan)(**{name: getattr(plan, name) for name in plan.__slots__} | {"reputation": None}))
    reputation_decisions.block(domain.conn, ANN, calendar, DOMAIN, reason=WHY, today=True)
    assert state(domain).blocked_until == TODAY + DAY
    assert reputation_decisions.cap(domain.conn, ANN, calendar, DOMAIN, 2, reason=WHY).level_after == 2
