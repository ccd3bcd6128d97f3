"""What a key changes is recorded, and asked of Airflow, by a process that has none."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ses_ops.api.problems import Refusal
from ses_ops.api.services import ApiServices, NoMailSide
from ses_ops.application import task_decisions
from ses_ops.application.airflow_requests import AskedAuditLog, AskedScheduler, do_requests, my_turn
from ses_ops.errors import DatabaseUnavailable, NotFound
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


class Airflow:
    """The ports of a process with Airflow. What is about a task `bad` raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.done: list[str] = []

    def pause_dag(self, task: str) -> bool:
        if task == "bad":
            raise self.error
        self.done.append(task)
        return True

    def write(self, entries) -> None:
        """As Airflow's audit log: all of them or none."""
        if any(facts["task"] == "bad" for _, _, facts in entries):
            raise self.error
        self.done += [facts["task"] for _, _, facts in entries]


@pytest.fixture
def asked(world):
    """Requests about tasks, the second of them about `bad`."""
    scheduler = AskedScheduler(world.conn, "shop (API key)")
    for task in ("one", "bad", "two"):
        scheduler.pause_dag(task)


ERRORS = pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), DatabaseUnavailable("airflow_database_unavailable", cause="value too long")]
)


@ERRORS
def test_a_request_that_fails_holds_up_no_other_and_has_no_other_done_again(world, asked, error):
    airflow = Airflow(error)
    for _ in range(2):
        (problem,) = do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=None)
        assert "pause_dag bad: " in problem
        assert airflow.done == ["one", "two"]


def test_an_unforeseen_error_is_tried_for_ten_minutes_and_then_given_up(world, asked):
    airflow = Airflow(RuntimeError("a bug"))
    do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=None)
    world.execute("UPDATE airflow_request SET asked_at = now() - interval '11 minutes'")
    assert do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=None)
    assert do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=None) == []
    assert rows(world.dsn, "SELECT subject, problem FROM airflow_request WHERE problem IS NOT NULL") == [
        ("bad", "unforeseen error: RuntimeError")
    ]


def test_nothing_more_is_asked_of_an_airflow_that_is_away(world):
    scheduler = AskedScheduler(world.conn, "shop (API key)")
    for task in ("bad",) * 20:
        scheduler.pause_dag(task)
    airflow = Airflow(DatabaseUnavailable("airflow_database_unavailable", cause="it is away"))
    assert 0 < len(do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=None)) < 5


@ERRORS
def test_an_entry_of_the_audit_log_that_cannot_be_written_keeps_no_other_from_it(world, error):
    log = AskedAuditLog(world.conn)
    for task in ("one", "bad", "two"):
        with log.recorded("shop (API key)", "pause_task", task=task):
            pass
    world.execute("UPDATE airflow_request SET asked_at = now() - interval '6 seconds'")
    airflow = Airflow(error)
    for _ in range(2):
        (problem,) = do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=airflow.write)
        assert "audit_entry bad: " in problem
        assert airflow.done == ["one", "two"]


def test_entries_wait_for_an_audit_log_that_is_away(world):
    with AskedAuditLog(world.conn).recorded("shop (API key)", "pause_task", task="bad"):
        pass
    world.execute("UPDATE airflow_request SET asked_at = now() - interval '1 hour'")
    airflow = Airflow(DatabaseUnavailable("airflow_database_unavailable", cause="it is away"))
    for _ in range(2):
        (problem,) = do_requests(world.conn, scheduler=airflow, plans=airflow, write_entries=airflow.write)
        assert "audit_entry bad: " in problem
