"""Outcomes that cannot be written: one that is refused holds up no other, and none keeps the process from ending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ses_ops.domain.message_event import EventKind
from tests.callback_receiver import receiver
from tests.integration.callbacks.delivering import deliverer, endpoint, until, waiting
from tests.integration.events.mailing import sent


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def events(world, count: int) -> None:
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(1, count + 1)])
    mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, count + 1)))


def ends(world) -> list[tuple[int, int | None]]:
    return world.rows("SELECT seq, status FROM callback_delivery ORDER BY seq")


@pytest.fixture
def many_at_once(monkeypatch):
    """Outcomes are written once there are many, so that one bad one is among others."""
    monkeypatch.setattr("ses_ops.application.callbacks.deliverer.WRITE", 1.0)


def test_an_outcome_whose_answer_postgresql_refuses_is_written_without_it(world, many_at_once):
    world.execute("ALTER TABLE callback_delivery ADD CONSTRAINT refuses CHECK (status <> 299)")
    with receiver(lambda post: 299 if "u2@" in post.body.decode() else 204) as hook:
        endpoint(world, hook.url)
        events(world, 5)
        with deliverer(world.dsn, lease=600):
            until(lambda: waiting(world) == 0)
        assert len(hook.posts) == 5
    assert ends(world) == [(1, 204), (2, None), (3, 204), (4, 204), (5, 204)]


def test_an_outcome_that_postgresql_refuses_is_dropped_and_the_others_are_written(world, caplog, many_at_once):
    world.execute("ALTER TABLE callback_delivery ADD CONSTRAINT refuses CHECK (seq <> 2)")
    with receiver() as hook:
        endpoint(world, hook.url)
        events(world, 5)
        with deliverer(world.dsn, lease=600):
            until(lambda: waiting(world) == 1)
            until(lambda: "cannot be written, and is dropped" in caplog.text)
    assert ends(world) == [(1, 204), (3, 204), (4, 204), (5, 204)]
    assert caplog.text.count("cannot be written, and is dropped") == 1
    assert "not written" not in caplog.text


def test_a_failure_that_postgresql_refuses_holds_up_no_other_outcome(world, many_at_once):
    world.execute("ALTER TABLE callback_waiting ADD CONSTRAINT refuses CHECK (last_status <> 599)")
    with receiver(lambda post: 599 if "u2@" in post.body.decode() else 204) as hook:
        endpoint(world, hook.url)
        events(world, 3)
        with deliverer(world.dsn, lease=600):
            until(lambda: waiting(world) == 1)
            until(lambda: world.rows("SELECT tries::int FROM callback_waiting") == [(1,)])
    assert ends(world) == [(1, 204), (3, 204)]


def test_a_deliverer_with_more_outcomes_than_may_wait_ends_and_says_how_many_are_not_written(
    world, caplog, monkeypatch
):
    monkeypatch.setattr("ses_ops.application.callbacks.outcomes.MOST_UNWRITTEN", 2)
    may_answer = threading.Event()
    with receiver(lambda post: 204 if may_answer.wait(60) else 500) as hook:
        endpoint(world, hook.url, concurrency=4)
        events(world, 20)
        with deliverer(world.dsn, lease=600):
            hook.wait_for(lambda: hook.posts)
            world.execute("ALTER TABLE callback_delivery RENAME TO callback_elsewhere")
            may_answer.set()
            until(lambda: "outcomes of callbacks wait for the database" in caplog.text)
            hook.wait_for(lambda: len(hook.posts) > 4)
    assert waiting(world) == 20
    assert f"{len(hook.posts)} outcomes of callbacks are not written" in caplog.text


def test_the_process_ends_at_sigterm_though_the_database_does_not_answer(world, tmp_path):
    may_answer = threading.Event()
    env = {**os.environ, "AIRFLOW_CONN_SES_DB": world.dsn, "SES_CALLBACK_ALLOW": "127.0.0.0/8"}
    env |= {"AIRFLOW_HOME": str(tmp_path), "SES_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "ses_ops.cli.main", "deliver", "callbacks"]
    sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ses deliver callbacks'"
    with receiver(lambda post: 204 if may_answer.wait(60) else 500) as hook:
        endpoint(world, hook.url)
        events(world, 1)
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
            try:
                hook.wait_for(lambda: hook.posts)
                ((session,),) = world.rows(f"{sessions} AND datname = current_database()")
                with frozen(session):
                    may_answer.set()
                    process.send_signal(signal.SIGTERM)
                    _, said = process.communicate(timeout=60)
            finally:
                process.kill()
    assert process.returncode == 0, said
    assert "1 outcomes of callbacks are not written" in said
