"""What a person decides about the mail of a blocked domain: it goes on, or it is given up; nothing is lost silently."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.application.blocked_mail import give_up_blocked, release_blocked
from ses_ops.application.changed import RunWanted
from ses_ops.application.event_recount import recount_events
from ses_ops.application.test_sends import TestSend
from ses_ops.application.test_sends import test_send as send_test
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import Conflict, Explanation, QuotaExhausted, ResumeNotAllowed
from ses_ops.storage.connection import transaction
from ses_ops.storage.reputation import decisions, states
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.actors import ANYBODY
from tests.integration.sending_world import DOMAIN, MORNING, World

WHY = Explanation("reputation_blocked_spam", percent="20.00", count=80, total=400, threshold="15")


@pytest.fixture
def blocked(world) -> World:
    """Two tasks of a blocked domain, of 700 and 100 messages; 500 may leave a day."""
    world.quota_variable = {DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING}}
    block(world)
    for name, count in (("large", 700), ("small", 100)):
        world.group(name, count)
        world.task(name, group=name)
        world.whole_run(world.run(name))
    return world


def block(world: World) -> None:
    until = datetime.now(UTC) + timedelta(hours=3)
    with transaction(world.conn):
        states.write(world.conn, ReputationState(sender_domain=DOMAIN, level=1, blocked_until=until, blocked_why=WHY))


def release(world: World, actor=ANYBODY):
    return release_blocked(world.conn, actor, QuotaPlans.parse(world.quota_variable), DOMAIN, note="the list is clean")


def kinds(world: World) -> list[tuple[DecisionKind, str | None, str]]:
    with transaction(world.conn):
        return [(one.kind, one.actor, one.note) for one in decisions.of_domain(world.conn, DOMAIN)]


def test_released_mail_goes_on_within_the_days_quota(blocked, mail_server):
    released = release(blocked)
    assert released.tasks == ("large", "small")
    assert released.scheduler == tuple(RunWanted(task=name, kind=RunKind.RESUME) for name in released.tasks)
    assert kinds(blocked) == [(DecisionKind.RELEASE, "ann", "the list is clean")]
    assert blocked.whole_run(blocked.run("large", RunKind.RESUME)).sent == 500
    assert "today's quota of 500" in blocked.overview("large").reason
    assert mail_server.total == 500
    with pytest.raises(Conflict, match="not blocked"):
        release(blocked)
    blocked.check_ledger()


def test_who_may_not_start_a_task_releases_nothing(blocked):
    with pytest.raises(ResumeNotAllowed):
        release(blocked, replace(ANYBODY, may_start=lambda task: task == "small"))
    with transaction(blocked.conn):
        assert states.of_domain(blocked.conn, DOMAIN).blocked_until is not None
    assert kinds(blocked) == []


def test_what_is_given_up_has_failed_with_that_reason_and_a_retry_brings_it_back(blocked, mail_server):
    assert give_up_blocked(blocked.conn, ANYBODY, DOMAIN, task="large", note="a bought list").count == 700
    large, small = blocked.overview("large"), blocked.overview("small")
    assert (large.failed_count, large.cached_count, large.status) == (700, 0, TaskStatus.FINISHED)
    assert (small.failed_count, small.cached_count) == (0, 100)
    ((reason,),) = blocked.rows("SELECT DISTINCT smtp_text FROM message WHERE state = 'failed'")
    assert reason == f"given up by ann, as {DOMAIN} was blocked"
    assert kinds(blocked) == [(DecisionKind.GIVE_UP, "ann", "a bought list")]
    blocked.check_ledger()

    assert task_decisions.retry_failed(blocked.conn, ANYBODY, "large").count == 700
    release(blocked)
    assert blocked.whole_run(blocked.run("large", RunKind.RESUME)).sent == 500
    assert set(mail_server.accepted.values()) == {1}
    blocked.check_ledger()


def test_all_mail_of_a_domain_can_be_given_up_and_what_has_left_stays_sent(blocked, mail_server):
    release(blocked)
    blocked.whole_run(blocked.run("large", RunKind.RESUME))
    block(blocked)
    assert give_up_blocked(blocked.conn, ANYBODY, DOMAIN).count == 300
    assert [blocked.overview(name).status for name in ("large", "small")] == [TaskStatus.FINISHED] * 2
    assert (blocked.overview("large").sent_count, blocked.overview("large").failed_count) == (500, 200)
    assert mail_server.total == 500
    blocked.check_ledger()


def test_no_attempt_counts_what_it_had_tried_and_a_person_gave_up_later(world, mail_server):
    world.quota_variable = {DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING}}
    world.group("people", 20)
    world.task("letters", group="people")
    answers = {
        "people-1": b"450 4.2.1 come later",
        "people-2": b"450 4.2.1 come later",
        "people-3": b"550 5.1.1 nobody",
    }
    mail_server.refuse = lambda recipient: answers.get(recipient.partition("@")[0])
    world.whole_run(world.run("letters"))
    block(world)
    assert give_up_blocked(world.conn, ANYBODY, DOMAIN).count == 2
    assert recount_events(world.conn, ANYBODY, repair=False).attempts_wrong == 0
    assert world.rows("SELECT sent, failed FROM attempt") == [(17, 1)]
    world.check_ledger()

    mail_server.refuse = lambda recipient: None
    task_decisions.retry_failed(world.conn, ANYBODY, "letters", codes=[0])
    assert world.rows("SELECT sent, failed FROM attempt") == [(17, 1)], "no attempt had failed with these two"
    release(world)
    assert world.whole_run(world.run("letters", RunKind.RESUME)).sent == 19
    assert recount_events(world.conn, ANYBODY, repair=False).attempts_wrong == 0
    world.check_ledger()


def test_nothing_is_given_up_of_a_domain_that_is_not_blocked(blocked):
    release(blocked)
    with pytest.raises(Conflict, match="nothing to release or to give up"):
        give_up_blocked(blocked.conn, ANYBODY, DOMAIN)
    assert blocked.states() == {"queued": 800}


def test_a_test_send_of_a_blocked_domain_fails_at_once_and_says_why(blocked, mail_server):
    order = TestSend(
        template="hello", subject=None, sender=f"news@{DOMAIN}", recipients=["ann@a.example"], values={"name": "Ann"}
    )
    with pytest.raises(QuotaExhausted, match=r"no test send can leave now: mail.example.com is blocked until .* spam"):
        send_test(
            blocked.dsn,
            order,
            run_id="test__1",
            plans=QuotaPlans.parse(blocked.quota_variable),
            smtp=smtp_settings_from_connection_uri(blocked.smtp_uri),
            templates_root=blocked.templates,
            stop=threading.Event(),
        )
    assert mail_server.total == 0
    blocked.check_ledger()
