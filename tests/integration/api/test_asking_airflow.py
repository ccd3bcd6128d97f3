"""What a key changes is recorded, and asked of Airflow, by a process that has none."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ses_ops.api.problems import Refusal
from ses_ops.api.services import ApiServices, NoMailSide
from ses_ops.application import task_decisions
from ses_ops.application.airflow_requests import my_turn
from ses_ops.errors import NotFound
from ses_ops.storage.connection import connected
from tests.integration.api.api_process import new_key, rows

REQUESTS = "SELECT kind, subject, asked_by, facts FROM airflow_request ORDER BY id"


@pytest.fixture
def services(world):
    made = ApiServices.of(world.dsn, mail=NoMailSide())
    made.child = None
    yield made
    made.database.close()


def test_a_change_has_its_entry_before_and_its_notices_after(services, world):
    world.group("customers", 3)
    world.task("hello", group="customers")
    key = new_key(world.dsn, "shop").key
    assert asyncio.run(services.change(key, task_decisions.pause, "hello", reason="why")).changed
    entry, notice = rows(world.dsn, REQUESTS)
    assert entry[:3] == ("audit_entry", "hello", "shop (API key)")
    assert entry[3]["action"] == "pause_task"
    assert entry[3]["facts"]["reason"] == "why"
    assert notice[:3] == ("pause_dag", "hello", "shop (API key)")


def test_a_refused_change_asks_for_nothing(services, world):
    key = new_key(world.dsn, "shop").key
    with pytest.raises(NotFound):
        asyncio.run(services.change(key, task_decisions.pause, "nobody", reason="why"))
    assert [kind for kind, *_ in rows(world.dsn, REQUESTS) if kind != "audit_entry"] == []


def test_requests_that_would_wait_too_long_for_a_connection_are_refused(services, world, monkeypatch):
    monkeypatch.setattr("ses_ops.api.threads.MOST_WAITING", 6)
    release = threading.Event()

    async def ask_often() -> list[object]:
        asked = [services.read(lambda _: release.wait(20)) for _ in range(10)]
        asyncio.get_running_loop().call_later(0.5, release.set)
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask_often())
    assert answers.count(True) == 6
    assert [one.status for one in answers if isinstance(one, Refusal)] == [503] * 4


def test_processes_ask_airflow_one_after_the_other_and_the_last_has_nothing_left_to_do(world):
    ended = threading.Event()
    turns = []
    with connected(world.dsn) as first, connected(world.dsn) as second:
        assert my_turn(first)

        def wait():
            turns.append(my_turn(second))
            ended.set()

        threading.Thread(target=wait, daemon=True).start()
        assert not ended.wait(0.3)
        world.execute("INSERT INTO airflow_copy (name, value) VALUES ('ses_smtp', '')")
        first.close()
        assert ended.wait(20)
    assert turns == [False]
