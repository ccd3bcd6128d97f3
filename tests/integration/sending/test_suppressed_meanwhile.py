"""Suppression at the moment of sending, and another try for the failed: who gets the mail, and how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.application.task_decisions import UnknownDecision
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import Conflict
from ses_ops.storage.connection import connected
from tests.actors import ANYBODY
from tests.integration.sending.test_crashes import kill, sender_process, wait_for_total
from tests.integration.sending_world import World, quota


def address(number: int) -> str:
    return f"customers-{number}@customers.example"


def suppress(world: World, *numbers: int, expires_at: datetime | None = None) -> None:
    for number in numbers:
        world.execute(
            "INSERT INTO suppression (address_key, address, reason, expires_at) VALUES (%s, %s, 'unsubscribe', %s)",
            address(number),
            address(number),
            expires_at,
        )


def lift(world: World, number: int) -> None:
    world.execute("DELETE FROM suppression WHERE address_key = %s", address(number))


def cached_after_five(world: World) -> None:
    """A task of ten recipients of which five have their mail and five wait for tomorrow's quota."""
    world.quota_variable = quota(5)
    world.group("customers", 10)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    world.quota_variable = quota(100)


def test_who_is_suppressed_while_the_mail_is_cached_never_gets_it_and_the_quota_is_for_others(world, mail_server):
    cached_after_five(world)
    suppress(world, 7, 9)
    world.quota_variable = quota(8)
    settlement = world.whole_run(world.run("hello", RunKind.TRIGGERED))
    overview = world.overview("hello")
    assert (overview.sent_count, overview.suppressed_count, settlement.cached) == (7, 1, 2)
    for _ in range(2):
        world.whole_run(world.run("hello", RunKind.TRIGGERED))
    overview = world.overview("hello")
    assert (overview.sent_count, overview.suppressed_count) == (8, 2), "what the suppressed had reserved came back"
    assert set(mail_server.accepted) == {address(n) for n in (1, 2, 3, 4, 5, 6, 8, 10)}
    assert set(mail_server.accepted.values()) == {1}
    world.check_ledger()


def test_who_is_no_more_suppressed_when_the_cached_mails_turn_comes_gets_it(world, mail_server):
    cached_after_five(world)
    suppress(world, 7)
    suppress(world, 9, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    lift(world, 7)
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted) == {address(n) for n in range(1, 11)}
    world.check_ledger()


def test_who_was_suppressed_when_the_audience_was_frozen_stays_out_of_that_mailing(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers")
    suppress(world, 7)
    run = world.run("hello")
    world.freeze(run)
    lift(world, 7)
    world.whole_run(run)
    overview = world.overview("hello")
    assert (overview.sent_count, overview.suppressed_count) == (9, 1)
    assert overview.status is TaskStatus.FINISHED
    world.whole_run(world.run("hello", RunKind.TRIGGERED, send_again=True))
    assert mail_server.accepted[address(7)] == 1, "but not out of the next"
    world.check_ledger()


@pytest.mark.parametrize("again", ["the failed", "the doubtful"])
def test_who_is_suppressed_before_another_try_never_gets_it(world, mail_server, again):
    mail_server.refuse = lambda recipient: (
        b"550 5.2.1 mailbox disabled" if recipient in (address(3), address(7)) else None
    )
    world.group("customers", 10)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    mail_server.refuse = None
    suppress(world, 7)
    if again == "the doubtful":
        world.execute("UPDATE message SET state = 'unknown' WHERE state = 'failed'")
        world.execute("UPDATE chunk SET unknown = failed, failed = 0")
        world.count_anew()
        assert task_decisions.resolve_unknown(world.conn, ANYBODY, "hello", UnknownDecision.RESEND).count == 2
    else:
        assert task_decisions.retry_failed(world.conn, ANYBODY, "hello").count == 1
    world.whole_run(world.run("hello", RunKind.RESUME))
    overview = world.overview("hello")
    suppressed, failed = (1, 0) if again == "the doubtful" else (0, 1)
    assert (overview.sent_count, overview.suppressed_count, overview.failed_count) == (9, suppressed, failed)
    assert address(7) not in mail_server.accepted
    assert set(mail_server.accepted.values()) == {1}
    world.check_ledger()


def test_retry_failed_by_two_people_at_once_and_two_runs_at_once_mails_each_once(world, mail_server):
    failing = {address(n) for n in range(1, 301) if n % 3 == 0}
    mail_server.refuse = lambda recipient: b"550 5.2.1 mailbox disabled" if recipient in failing else None
    world.group("customers", 300)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"), 60)
    assert world.overview("hello").failed_count == 100
    mail_server.refuse = None

    def retry(_: int) -> int:
        with connected(world.dsn) as conn:
            return task_decisions.retry_failed(conn, ANYBODY, "hello").count

    def send(number: int) -> None:
        twin = World(dsn=world.dsn, templates=world.templates, smtp_uri=world.smtp_uri)
        try:
            twin.whole_run(twin.run("hello", RunKind.RESUME, run_id=f"resume__{number}"))
        finally:
            twin.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(retry, range(4))) == [0, 0, 0, 100]
        list(pool.map(send, range(3)))
    assert world.overview("hello").sent_count == 300
    assert set(mail_server.accepted.values()) == {1}
    assert len(mail_server.accepted) == 300
    assert task_decisions.retry_failed(world.conn, ANYBODY, "hello").count == 0
    world.check_ledger()


def test_a_sender_that_is_killed_while_it_retries_the_failed_mails_nobody_twice(world, mail_server):
    failing = {address(n) for n in range(1, 1_001) if n % 2}
    mail_server.refuse = lambda recipient: b"550 5.2.1 mailbox disabled" if recipient in failing else None
    world.group("customers", 1_000)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    mail_server.refuse, mail_server.delay = None, 0.05
    assert task_decisions.retry_failed(world.conn, ANYBODY, "hello").count == 500
    run = world.run("hello", RunKind.RESUME)
    (chunk_id,) = world.reserve(run).chunk_ids
    process = sender_process(world, chunk_id, run.run_id)
    wait_for_total(mail_server, 600, process)
    mail_server.delay = 1.0  # so that it is seen at work
    with pytest.raises(Conflict):
        task_decisions.retry_failed(world.conn, ANYBODY, "hello").count or world.settle(run)
    kill(world, process)
    mail_server.delay = 0.0
    assert world.send(chunk_id, run).left == 0
    settlement = world.settle(run)
    assert settlement.failed == 0
    assert settlement.sent + settlement.unknown == 1_000
    assert set(mail_server.accepted.values()) == {1}
    assert settlement.sent <= len(mail_server.accepted)
    world.check_ledger()
