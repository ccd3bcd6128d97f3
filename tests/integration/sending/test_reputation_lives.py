"""The reputation is judged as mail leaves: a good list rises several levels in a day, a bad one is held in mid-run."""

from __future__ import annotations

import pytest

from ses_ops.application.reputation_steps import judge_after_chunk, judge_all_and_go_on, judge_and_go_on
from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.storage.connection import transaction
from ses_ops.storage.reputation import decisions, states
from tests.integration.sending_world import DOMAIN, MORNING, World


def bad(recipient: str) -> bytes | None:
    """One in seven of the list `bad` does not exist."""
    name, _, number = recipient.partition("@")[0].rpartition("-")
    return b"550 5.1.1 no such user" if name == "bad" and int(number) % 7 == 0 else None


@pytest.fixture
def domain(world, mail_server) -> World:
    mail_server.refuse = bad
    world.quota_variable = {DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING}}
    return world


def mailing(world: World, name: str, count: int) -> None:
    world.group(name, count)
    world.task(name, group=name)


def measured(world: World) -> None:
    """A feed that could tell of bounces is heard."""
    world.execute("INSERT INTO sender_domain (domain) VALUES (%s) ON CONFLICT DO NOTHING", DOMAIN)
    world.execute("UPDATE sender_domain SET bounce_domain = 'bounces.' || domain")
    world.execute("INSERT INTO event_feed (source, events) VALUES ('bounce_mail', 1)")


def plans(world: World) -> QuotaPlans:
    return QuotaPlans.parse(world.quota_variable)


def run_as_airflow(world: World, run: Run) -> list[str]:
    """A run as the operators make it; the tasks whose mail goes on."""
    world.freeze(run)
    for chunk_id in world.reserve(run).chunk_ids:
        world.send(chunk_id, run, plans=plans(world))
        judge_after_chunk(world.conn, plans(world), chunk_id)
    world.settle(run)
    return judge_and_go_on(world.conn, plans(world), DOMAIN)


def play(world: World, name: str) -> int:
    """All runs of a day; their number."""
    runs, again = 1, run_as_airflow(world, world.run(name))
    while again:
        (following,) = again
        again = run_as_airflow(world, world.run(following, RunKind.RESUME))
        runs += 1
    return runs


def kinds(world: World) -> list[str]:
    with transaction(world.conn):
        return [one.kind.value for one in reversed(decisions.of_domain(world.conn, DOMAIN))]


def test_a_good_list_rises_several_levels_in_a_day_and_its_cached_mail_goes_on(domain, mail_server):
    measured(domain)
    mailing(domain, "good", 1_500)
    assert play(domain, "good") == 3
    assert kinds(domain) == ["start", "raise", "raise", "raise"]
    assert domain.overview("good").status is TaskStatus.FINISHED
    assert mail_server.total == 1_500
    assert set(mail_server.accepted.values()) == {1}
    domain.check_ledger()


def test_nothing_rises_as_long_as_nobody_would_tell_of_bounces(domain, mail_server):
    mailing(domain, "good", 600)
    assert play(domain, "good") == 1
    assert kinds(domain) == ["start"]
    assert (mail_server.total, domain.overview("good").cached_count) == (500, 100)


def test_a_bad_list_is_blocked_in_mid_run_and_lowered_and_the_rest_of_it_is_held(domain, mail_server):
    measured(domain)
    domain.quota_variable[DOMAIN]["start_level"] = 6
    mailing(domain, "bad", 4_000)
    assert play(domain, "bad") == 1
    assert kinds(domain) == ["start", "block", "lower"]
    held = domain.overview("bad")
    tried = held.sent_count + held.failed_count
    assert 300 < tried <= 700, "a quota of 20,000 did not leave before anybody looked"
    assert held.cached_count == 4_000 - tried
    assert "is blocked until" in held.reason
    assert judge_all_and_go_on(domain.conn, plans(domain)) == []
    with transaction(domain.conn):
        state = states.of_domain(domain.conn, DOMAIN)
    assert (state.level, state.next_level) == (6, 5)
    assert set(mail_server.accepted.values()) == {1}
    domain.check_ledger()


def test_the_maintenance_finds_a_raise_that_no_run_followed(domain):
    mailing(domain, "good", 600)
    run = domain.run("good")
    domain.freeze(run)
    for chunk_id in domain.reserve(run).chunk_ids:
        domain.send(chunk_id, run, plans=plans(domain))
    domain.settle(run)
    measured(domain)  # only now
    assert judge_all_and_go_on(domain.conn, plans(domain)) == ["good"]
    assert DecisionKind.RAISE.value in kinds(domain)
    assert judge_all_and_go_on(domain.conn, plans(domain)) == []
    assert domain.overview("good").is_due
    assert domain.whole_run(domain.run("good", RunKind.RESUME)).sent == 600
