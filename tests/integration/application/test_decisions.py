"""What a person decides about a task: try the failed again, settle a doubt, stop, go on, take it away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ses_ops.application import task_decisions
from ses_ops.application.task_decisions import UnknownDecision
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import Conflict, TemplateError
from tests.actors import ANYBODY
from tests.integration.sending_world import quota


def refuse_some(recipient: str) -> bytes | None:
    return b"550 5.2.1 mailbox disabled" if recipient.startswith(("customers-3@", "customers-7@")) else None


def test_retry_failed_sends_to_the_failed_ones_only(world, mail_server):
    mail_server.refuse = refuse_some
    world.group("customers", 10)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert world.overview("hello").failed_count == 2
    mail_server.refuse = None
    assert task_decisions.retry_failed(world.conn, ANYBODY, "hello").count == 2
    assert world.overview("hello").cached_count == 2
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 10
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").status is TaskStatus.FINISHED
    world.check_ledger()


def test_failed_mail_of_a_chunk_that_is_being_sent_is_left_alone(world, mail_server):
    mail_server.refuse = refuse_some
    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    world.execute("UPDATE message SET state = 'failed' WHERE seq = 3")
    world.execute("UPDATE chunk SET pending = pending - 1, failed = 1 WHERE id = %s", chunk_id)
    with pytest.raises(Conflict):
        task_decisions.retry_failed(world.conn, ANYBODY, "hello")
    world.check_ledger()


@pytest.mark.parametrize(("doubt", "delivered"), [(UnknownDecision.RESEND, 5), (UnknownDecision.ASSUME_SENT, 2)])
def test_a_doubt_is_settled_by_a_person(world, mail_server, doubt, delivered):
    world.group("customers", 5)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    # A sender that died after it had marked three messages.
    world.die_in_mid_send(chunk_id, marked=3)
    world.send(chunk_id, run)
    assert world.settle(run).unknown == 3
    assert mail_server.total == 2
    assert task_decisions.resolve_unknown(world.conn, ANYBODY, "hello", doubt).count == 3
    world.whole_run(world.run("hello", RunKind.RESUME))
    overview = world.overview("hello")
    assert (overview.sent_count, overview.unknown_count) == (5, 0)
    assert mail_server.total == delivered
    world.check_ledger()


def test_a_cancelled_task_sends_nothing_more_and_gives_its_place_to_others(world, mail_server):
    world.quota_variable = quota(5)
    world.group("customers", 10)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert task_decisions.cancel(world.conn, ANYBODY, "hello").changed
    world.quota_variable = quota(100)
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert mail_server.total == 5
    assert world.overview("hello").status is TaskStatus.CANCELLED


def test_a_paused_task_reserves_nothing_until_it_is_resumed(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers")
    assert task_decisions.pause(world.conn, ANYBODY, "hello", reason="wait for the boss").changed
    world.whole_run(world.run("hello"))
    assert mail_server.total == 0
    overview = world.overview("hello")
    assert (overview.status, overview.reason) == (TaskStatus.PAUSED, "paused by ann: wait for the boss")
    assert task_decisions.resume(world.conn, ANYBODY, "hello").kind is RunKind.RESUME
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 10


def test_a_second_trigger_over_quota_keeps_the_resume_that_is_planned(world):
    world.quota_variable = quota(5)
    world.group("customers", 10)
    world.task("hello", group="customers")
    first = world.whole_run(world.run("hello"))
    second = world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert (second.resume_at, second.resume_run_id) == (first.resume_at, first.resume_run_id)


def test_resuming_all_day_long_over_quota_plans_one_run(world):
    """Each resume makes what is cached due now; what then finds no quota goes on when it would have anyway."""
    world.quota_variable = quota(5)
    world.group("customers", 10)
    world.task("hello", group="customers")
    first = world.whole_run(world.run("hello"))
    for kind in (RunKind.RESUME, RunKind.TRIGGERED, RunKind.RESUME):
        done = task_decisions.resume(world.conn, ANYBODY, "hello", quota_left=lambda _: True)
        assert done.kind is RunKind.RESUME
        again = world.whole_run(world.run("hello", kind))
        assert (again.resume_at, again.resume_run_id) == (first.resume_at, first.resume_run_id)
    # On the day after as well: cached yesterday, and once more without quota.
    world.execute("UPDATE chunk SET cached_at = cached_at - interval '1 day' WHERE state = 'cached'")
    ids = set()
    for _ in range(3):
        task_decisions.resume(world.conn, ANYBODY, "hello")
        ids.add(world.whole_run(world.run("hello", RunKind.RESUME)).resume_run_id)
    assert ids == {first.resume_run_id}


def test_a_slot_that_an_error_kept_from_starting_is_started_by_a_resume(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers", type="recurring", start_at="2099-01-01", every="1d", subject="{{ nick }}")
    slot = datetime.now(UTC)
    world.started_at("hello", slot)
    with pytest.raises(TemplateError):
        world.freeze(world.run("hello", logical_at=slot))
    assert world.overview("hello").status is TaskStatus.ERROR
    world.task("hello", group="customers", type="recurring", start_at="2099-01-01", every="1d", subject="{{ name }}")
    world.started_at("hello", slot)
    assert task_decisions.resume(world.conn, ANYBODY, "hello").kind is RunKind.TRIGGERED
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10
    assert world.whole_run(world.run("hello", logical_at=slot)).sent == 10
    assert set(mail_server.accepted.values()) == {1}
