"""Runs that a schedule made and that find another schedule, or another task of that name: nobody gets mail by them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from tests.actors import ANYBODY

NOW = datetime.now(UTC)
#: It has passed, and its run is queued.
SLOT = NOW - timedelta(minutes=5)
NEXT_WEEK = f"{NOW + timedelta(days=7):%Y-%m-%d} 09:00"


@pytest.fixture
def task(world):
    """Makes the task `hello`, or changes it."""
    world.group("customers", 10)

    def apply(**changes: str) -> None:
        world.task("hello", group="customers", **changes)

    return apply


def test_a_start_that_was_put_off_is_not_kept_by_the_run_of_the_old_time(world, mail_server, task):
    task(type="scheduled", start_at=NEXT_WEEK)
    world.started_at("hello", SLOT)
    task(type="scheduled", start_at=NEXT_WEEK)
    old = world.run("hello", logical_at=SLOT)
    frozen = world.freeze(old)
    assert "no start of this task any more" in str(frozen.passed_over)
    world.whole_run(old)
    assert mail_server.total == 0
    assert world.overview("hello").status is TaskStatus.WAITING
    # Its own time comes, and a person need not wait for it.
    world.started_at("hello", NOW)
    assert world.whole_run(world.run("hello", logical_at=NOW)).sent == 10


def test_a_slot_that_was_taken_out_of_a_recurrence_does_not_start(world, mail_server, task):
    task(type="recurring", start_at=NEXT_WEEK, every="1d")
    world.started_at("hello", SLOT)
    world.whole_run(world.run("hello", logical_at=SLOT))
    assert mail_server.total == 10
    later = SLOT + timedelta(minutes=1)
    for edited in ({"every": "2d"}, {"cron": "0 9 * * MON"}):
        task(type="recurring", start_at=NEXT_WEEK, **edited)
        assert world.freeze(world.run("hello", logical_at=later)).passed_over
    task(type="triggered")
    assert world.freeze(world.run("hello", logical_at=later)).passed_over
    # What had begun is finished by its own run, whatever was edited.
    assert world.whole_run(world.run("hello", logical_at=SLOT)).sent == 10
    assert mail_server.total == 10


def test_a_task_of_the_same_name_is_not_started_by_the_run_of_the_one_before(world, mail_server, task):
    task()
    ((made_at,),) = world.rows("SELECT created_at FROM send_task")
    old = world.run("hello", logical_at=made_at)
    task_decisions.cancel(world.conn, ANYBODY, "hello")
    task_decisions.delete(world.conn, ANYBODY, "hello")
    task()
    assert world.freeze(old).passed_over
    world.whole_run(old)
    assert mail_server.total == 0
    ((made_at,),) = world.rows("SELECT created_at FROM send_task WHERE deleted_at IS NULL")
    assert world.whole_run(world.run("hello", logical_at=made_at)).sent == 10


def test_a_start_that_became_at_once_is_kept_by_the_run_that_is_there(world, task):
    task(type="scheduled", start_at=NEXT_WEEK)
    world.execute("UPDATE send_task SET created_at = %s", SLOT - timedelta(days=1))
    task(type="immediate")
    assert world.whole_run(world.run("hello", logical_at=SLOT)).sent == 10


def test_a_trigger_by_hand_does_not_ask_for_a_slot(world, task):
    task(type="scheduled", start_at=NEXT_WEEK)
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10
