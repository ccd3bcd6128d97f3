"""Occurrences that waited for a person: one trigger is one mailing, however many had come together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import TemplateError
from tests.actors import ANYBODY
from tests.integration.sending_world import World

BROKEN, MENDED = "{{ nick }}", "{{ name }}"


def define(world: World, subject: str, **kind: str) -> None:
    world.task("hello", group="customers", subject=subject, **kind)


def hold(world: World, *runs) -> None:
    for run in runs:
        with pytest.raises(TemplateError):
            world.freeze(run)


@pytest.mark.parametrize("oldest_last", [False, True])
def test_of_several_slots_that_an_error_held_a_trigger_by_hand_starts_the_newest(world, mail_server, oldest_last):
    daily = {"type": "recurring", "start_at": "2099-01-01", "cron": "*/10 * * * *"}
    world.group("customers", 10)
    define(world, BROKEN, **daily)
    today = datetime.now(UTC)
    today = today.replace(minute=today.minute // 10 * 10, second=0, microsecond=0)
    slots = [today - timedelta(minutes=30), today - timedelta(minutes=20), today - timedelta(minutes=10)]
    world.started_at("hello", slots[0])
    runs = [world.run("hello", logical_at=slot) for slot in slots]
    hold(world, *(reversed(runs) if oldest_last else runs))
    define(world, MENDED, **daily)
    world.started_at("hello", slots[0])
    assert task_decisions.resume(world.conn, ANYBODY, "hello").kind is RunKind.TRIGGERED
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted.values()) == {1}, "everybody gets one mail, not one for each day that was held"
    ((started,),) = world.rows("SELECT logical_at FROM occurrence WHERE request_count > 0")
    assert started == slots[-1]
    reasons = world.rows("SELECT held_reason FROM occurrence WHERE request_count = 0 ORDER BY logical_at")
    assert len(reasons) == 2
    assert all("given up for the newer one" in reason and "nick" in reason for (reason,) in reasons)
    # It is over: nothing is left to be started by surprise, and the next slot comes as ever.
    for run in [*runs, world.run("hello", RunKind.TRIGGERED)]:
        world.whole_run(run)
    assert mail_server.total == 10
    overview = world.overview("hello")
    assert (overview.error, overview.request_count) == (None, 10)
    world.whole_run(world.run("hello", logical_at=today))
    assert set(mail_server.accepted.values()) == {2}
    world.check_ledger()


def test_triggers_that_failed_are_not_made_up_for_by_the_one_that_works(world, mail_server):
    world.group("customers", 10)
    define(world, BROKEN, type="triggered")
    hold(world, *(world.run("hello", RunKind.TRIGGERED) for _ in range(3)))
    define(world, MENDED, type="triggered")
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").error is None
    world.check_ledger()


def test_sending_again_to_all_what_had_missed_its_start_sends_it_once(world, mail_server):
    world.group("customers", 10)
    define(world, MENDED, type="scheduled", start_at="2099-01-01 09:00")
    late = datetime.now(UTC) - timedelta(hours=3)
    world.started_at("hello", late)
    assert world.freeze(world.run("hello", logical_at=late)).held_reason
    world.whole_run(world.run("hello", RunKind.TRIGGERED, send_again=True))
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").error is None
    world.check_ledger()
