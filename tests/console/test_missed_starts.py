"""A start that has passed without a run of Airflow's is told wherever a person looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.cli import checks
from ses_ops.storage.tasks.overview import MISSED_AFTER

SAYS = "Airflow made no run for it"


@pytest.fixture
def task(world):
    """A recurring one that began an hour ago, at most a minute from now and last ten minutes ago."""
    world.seed("hello", type="recurring", every="1h", start_at="2030-01-01")
    start = datetime.now(UTC) - timedelta(minutes=70)
    world.started_at("hello", start)
    world.execute("UPDATE send_task SET updated_at = created_at")
    return start


def findings(world, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    monkeypatch.setenv("SES_TEMPLATES", str(world.templates))
    return [text for state, text in checks._tasks() if SAYS in text and state == "warn"]


def test_overview_page_and_doctor_say_when_a_start_was_missed(world, user, task, monkeypatch):
    assert SAYS in user.get("/live/overview").text
    assert f"{task:%Y-%m-%d %H:%M} UTC" in user.get("/tasks/hello").text
    assert len(findings(world, monkeypatch)) == 1


def test_nothing_is_said_once_the_newest_start_had_its_run(world, user, task, monkeypatch):
    world.freeze(world.run("hello", logical_at=task + timedelta(hours=1)))
    assert SAYS not in user.get("/live/overview").text
    assert SAYS not in user.get("/tasks/hello").text
    assert not findings(world, monkeypatch)


def test_nothing_is_said_of_a_pause_nor_of_the_moments_after_it(world, user, task):
    world.execute("UPDATE send_task SET paused_at = now()")
    assert world.overview("hello").missed_start(datetime.now(UTC)) is None
    world.execute("UPDATE send_task SET paused_at = NULL, updated_at = now()")
    now = datetime.now(UTC)
    assert world.overview("hello").missed_start(now) is None
    assert world.overview("hello").missed_start(now + 2 * MISSED_AFTER) == task


def test_a_task_that_starts_when_it_is_triggered_misses_nothing(world, user):
    world.seed("hello", type="triggered")
    assert world.overview("hello").missed_start(datetime.now(UTC) + timedelta(days=9)) is None
