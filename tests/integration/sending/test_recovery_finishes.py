"""A run that dies between its last message and its settling: the task is finished all the same."""

from __future__ import annotations

import pytest

from ses_ops.application.task_decisions import delete
from ses_ops.domain.task_status import TaskStatus
from ses_ops.sending.recover import recover
from tests.actors import ANYBODY


@pytest.fixture
def sent_and_not_settled(world):
    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    assert world.overview("hello").status is TaskStatus.SENDING
    world.send(chunk_id, run)


def test_recovery_finishes_a_task_that_no_settle_finished(world, sent_and_not_settled):
    assert world.overview("hello").status is TaskStatus.SENDING
    assert recover(world.conn) == []
    assert world.overview("hello").status is TaskStatus.FINISHED
    world.check_ledger()


def test_recovery_finishes_nothing_that_has_mail_to_send(world):
    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    assert recover(world.conn) == []
    world.reserve(run, chunk_size=5)
    assert recover(world.conn) == []
    (first, second) = world.reserve(run).chunk_ids
    world.send(first, run)
    assert recover(world.conn) == []
    assert world.overview("hello").status is TaskStatus.SENDING
    world.send(second, run)
    assert recover(world.conn) == []
    assert world.overview("hello").status is TaskStatus.FINISHED


def test_recovery_leaves_a_deleted_task_alone(world, sent_and_not_settled):
    delete(world.conn, ANYBODY, "hello")
    assert recover(world.conn) == []
    assert world.rows("SELECT finished_at FROM send_task") == [(None,)]
