"""Single messages of a restored ledger: none is accepted until a person has spoken, and none leaves twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.api.problems import problem_of
from ses_ops.application.single_messages.due import DueMessages
from ses_ops.application.single_messages.orders import Accepted
from ses_ops.application.task_decisions import UnknownDecision, resolve_unknown
from ses_ops.errors import LedgerRestored
from ses_ops.sending.single.control import Control
from ses_ops.sending.single.without_service import due_without_service
from tests.accepting_world import DOMAIN, Copy, NoMail, order
from tests.actors import ANYBODY
from tests.integration.restore.conftest import check, say
from tests.integration.sending_world import quota
from tests.integration.single_messages.test_accept import accept

NOW = datetime.now(UTC)


@pytest.fixture
def restored(world, backups, other_server):
    """One message in hand when the dump was made, one of a time that has come since, and one of tomorrow."""
    world.quota_variable = quota(1_000, domain=DOMAIN)
    accept(
        world.dsn,
        order("ann@example.org"),
        order("bob@example.org", "eve@example.org", send_at=NOW + timedelta(hours=1)),
        order("dan@example.org", send_at=NOW + timedelta(days=1)),
    )
    soon = NOW + timedelta(milliseconds=1)
    world.execute(
        "UPDATE single_message SET due_at = %s, send_at = %s WHERE send_at < now() + interval '2 hours'", soon, soon
    )
    return backups.restore(backups.dump(world), like=world, server=other_server)


def statuses(world) -> list[tuple]:
    return world.rows(
        "SELECT m.address, m.state::text FROM message m JOIN single_message s ON s.occurrence_id = m.occurrence_id"
        " AND m.seq BETWEEN s.first_seq AND s.first_seq + s.recipient_count - 1 ORDER BY m.address"
    )


def test_nothing_is_accepted_taken_over_or_due(restored):
    copy = Copy(restored.dsn)

    async def ask() -> None:
        async with copy.running():
            with pytest.raises(LedgerRestored) as refused:
                await copy.accept(order("new@example.org"))
            problem = problem_of(refused.value)
            assert (problem.status, problem.code) == (503, "ledger_restored")
            assert "restored" in str(problem.hint)
            assert "Retry-After" in problem.headers
            due = DueMessages(copy.dsn, acceptor=copy.acceptor, remake=lambda _: NoMail())
            with pytest.raises(LedgerRestored):
                await due.look()
            await due.stop()
            # The same process goes on when a person has spoken.
            say(restored)
            await asyncio.sleep(1.1)
            (answer,) = await copy.accept(order("new@example.org"))
            assert isinstance(answer, Accepted)

    with pytest.raises(LedgerRestored):
        Control(restored.dsn).begin()
    with pytest.raises(LedgerRestored):
        due_without_service(restored.conn)
    asyncio.run(ask())
    assert {one.address for one in copy.started} == {"new@example.org"}


def test_what_may_have_left_is_unknown_and_what_cannot_have_left_stays(restored):
    done = say(restored)
    assert (done.unknown, done.scheduled_later) == ({f"api:{DOMAIN}": 3}, 1)
    assert statuses(restored) == [
        ("ann@example.org", "unknown"),
        ("bob@example.org", "unknown"),
        ("eve@example.org", "unknown"),
    ]
    assert restored.rows("SELECT count(*)::int FROM single_message WHERE due_at IS NOT NULL") == [(1,)]
    assert restored.rows("SELECT bulk::int, single::int FROM ledger_restore") == [(0, 3)]
    check(restored)
    assert restored.rows("SELECT count(*)::int FROM chunk WHERE pending > 0") == [(0,)]


@pytest.mark.parametrize("choice", list(UnknownDecision))
def test_a_person_settles_them_by_the_name_of_their_domain(restored, choice):
    say(restored)
    done = resolve_unknown(restored.conn, ANYBODY, f"api:{DOMAIN}", choice)
    assert (done.count, done.scheduler) == (3, ())
    states = {state for _, state in statuses(restored)}
    assert states == {"requeued" if choice is UnknownDecision.RESEND else "sent"}
    check(restored)
    assert due_without_service(restored.conn) is (choice is UnknownDecision.RESEND)
