"""SendTaskOperator: a DAG of somebody's own writes a send task, has it started, and waits for its mail."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from ses_ops.application.task_runs import write_task
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.send_task import parse_send_task
from ses_ops.domain.task_definition import definition_texts
from ses_ops.orchestration import control
from ses_ops.orchestration.operators.send_task import SendTaskOperator, run_id_of
from ses_ops.orchestration.triggers.run_finished import RunFinishedTrigger, event_of
from ses_ops.storage.connection import connect
from ses_ops.storage.tasks import send_tasks
from tests.actors import ANYBODY
from tests.airflow_environment import REPOSITORY, in_environment
from tests.dags import bundles
from tests.dags.test_send_task_dag import runs_of
from tests.integration.sending_world import DOMAIN, quota

MAIL = {"template": "hello", "sender": f"Shop <news@{DOMAIN}>", "group": "customers"}
NEWS = {"name": "news", "type": "triggered", **MAIL}
NEWS_DAG = "send_task__news"
AUTHOR = """
from datetime import timedelta
from airflow.sdk import DAG
from ses_ops.orchestration.operators.send_task import SendTaskOperator

with DAG("authors", schedule=None):
    SendTaskOperator(task_id="news", definition={definition!r}, poll_interval=0.1, dag_timeout=240, **{more!r})
"""


@pytest.fixture
def author(airflow_db, world, set_quota, tmp_path):
    """Makes a DAG of somebody's own, beside ours, and runs it; returns the run's outcome and what the task returned."""
    folder = tmp_path / "own"
    folder.mkdir()
    ours = bundles.local("dags-folder", REPOSITORY / "dags")

    def run(definition: dict[str, Any], at: datetime | None = None, **more: Any) -> tuple[str, Any]:
        from airflow.dag_processing.dagbag import DagBag

        (folder / "authors.py").write_text(AUTHOR.format(definition=definition, more=more))
        assert bundles.processor_turn() == {}
        bag = DagBag(dag_folder=str(folder), bundle_name="own")
        dag_run = bag.dags["authors"].test(logical_date=at, run_after=at)
        (ti,) = dag_run.get_task_instances()
        return str(dag_run.state.value), ti.xcom_pull(task_ids="news")

    world.group("customers", 7)
    with in_environment(bundles.configured((ours, bundles.local("own", folder)), tmp_path / "bundles")):
        yield run


@contextmanager
def airflow_at_work(world):
    """What Airflow's components do meanwhile: read the DAG of the new task, and carry out its runs."""
    done, over, conn = set(), threading.Event(), connect(world.dsn)

    def work() -> None:
        while not over.wait(0.2):
            if "news" not in control.dag_switches() and send_tasks.lock_row_if_any(conn, "news"):
                # Only now: `dag.test()` reads the files too, as it begins, and two at once are in each other's way.
                bundles.processor_turn()
            conn.rollback()
            for run in runs_of(NEWS_DAG):
                if run.run_id not in done:
                    done.add(run.run_id)
                    carry_out(world, run)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join(60)
        conn.close()


def carry_out(world, dag_run) -> None:
    from ses_ops.orchestration.operators.run_context import run_of

    world.whole_run(run_of({"dag_run": dag_run, "params": dag_run.conf or {}}))


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_new_task_is_written_started_and_waited_for(author, world, mail_server, deferrable):
    with airflow_at_work(
        world,
    ) as runs:
        state, counts = author(NEWS, deferrable=deferrable)
    assert (state, len(runs)) == ("success", 1)
    assert (counts["start"], counts["request_count"], counts["sent_count"]) == (1, 7, 7)
    assert set(mail_server.accepted.values()) == {1}


def test_each_run_of_the_dag_mails_everybody_once_more_and_a_definition_that_is_the_same_changes_nothing(
    author, world, mail_server
):
    with airflow_at_work(
        world,
    ):
        author(NEWS)
        (before,) = world.rows("SELECT edition, updated_at FROM send_task")
        _, counts = author(NEWS)
    assert world.rows("SELECT edition, updated_at FROM send_task") == [before]
    assert (counts["start"], counts["sent_count"]) == (2, 7)
    assert set(mail_server.accepted.values()) == {2}


def test_a_task_that_starts_by_itself_is_not_started_but_waited_for(author, world, mail_server):
    over = threading.Event()

    def start() -> None:  # as Airflow does, from the task's schedule
        while not world.rows("SELECT 1 FROM send_task"):
            time.sleep(0.1)
        world.whole_run(world.run("once"))
        over.set()

    thread = threading.Thread(target=start)
    thread.start()
    state, counts = author({"name": "once", "type": "immediate", **MAIL})
    thread.join(60)
    assert (state, over.is_set(), counts["sent_count"]) == ("success", True, 7)
    assert (author({"name": "once", "type": "immediate", **MAIL})[0], mail_server.total) == ("success", 7)


def test_a_run_that_is_deleted_and_made_again_mails_nobody_twice(author, world, mail_server):
    with airflow_at_work(
        world,
    ) as runs:
        for _ in range(2):
            state, counts = author(NEWS, at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (state, len(runs), counts["sent_count"]) == ("success", 1, 7)
    assert set(mail_server.accepted.values()) == {1}


class Instance:
    """A task instance, as far as the id of the run that it starts is concerned."""

    dag_id, run_id, task_id, map_index = "shop", "scheduled__2026-01-01T00:00:00+00:00", "news", -1


@pytest.mark.parametrize(
    "other", [{"dag_id": "other"}, {"run_id": "r"}, {"task_id": "t"}, {"map_index": 0}], ids=lambda one: next(iter(one))
)
def test_every_other_task_instance_starts_a_run_of_its_own(other):
    assert run_id_of(Instance) != run_id_of(type("Other", (Instance,), other))
    assert len(run_id_of(Instance)) < 100


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("error = 'the template is broken'", "the template is broken"),
        ("cancelled_at = now(), cancelled_reason = 'cancelled by Ann'", "cancelled by Ann"),
        ("deleted_at = now()", "was deleted"),
    ],
)
def test_mail_that_waits_for_a_person_ends_the_wait_with_the_reason(world, state, says, set_quota):
    world.quota_variable = set_quota(quota(2))
    world.group("customers", 5)
    world.task("news", group="customers", type="triggered")
    run = world.run("news", RunKind.TRIGGERED, run_id="started__1")
    world.whole_run(run)
    id = world.overview("news").id
    assert event_of(id, "started__1") is None, "the rest waits for tomorrow"
    world.execute(f"UPDATE send_task SET {state}")
    assert says in event_of(id, "started__1")["problem"]


def test_a_paused_task_is_waited_for(world):
    world.group("customers", 5)
    world.task("news", group="customers", type="triggered")
    world.execute("UPDATE send_task SET paused_at = now(), paused_reason = 'paused by Ann'")
    assert event_of(world.overview("news").id, "started__1") is None


def test_the_counts_are_those_of_the_own_run(world, mail_server):
    world.group("customers", 5)
    world.task("news", group="customers", type="triggered")
    for number in (1, 2, 3):
        world.whole_run(world.run("news", RunKind.TRIGGERED, run_id=f"started__{number}"))
    counts = event_of(world.overview("news").id, "started__2")["counts"]
    assert (counts["start"], counts["request_count"], counts["sent_count"]) == (2, 5, 5)


def test_a_definition_that_is_wrong_fails_at_once_and_writes_nothing(author, world):
    for wrong in ({"sender": "nobody"}, {"group": "nobody"}, {"roles": ["Marketing"]}, {"tempalte": "x"}):
        state, _ = author({**NEWS, **wrong})
        assert state == "failed"
    assert world.rows("SELECT name FROM send_task") == []


def test_the_roles_that_people_gave_to_a_task_stay(world, set_quota):
    world.group("customers", 5)
    world.task("news", roles="Marketing", **{name: one for name, one in NEWS.items() if name != "name"})
    task = parse_send_task(definition_texts({**NEWS, "subject": "New {{ name }}"}), where="test")
    written = write_task(world.conn, ANYBODY, task, now=datetime.now(UTC), where="test", templates_root=world.templates)
    assert (written.applied["news"].value, written.roles) == ("changed", {})
    assert world.rows("SELECT roles, subject FROM send_task") == [(["Marketing"], "New {{ name }}")]


def test_values_of_python_are_read_as_those_of_a_file_are():
    moment = datetime(2030, 1, 1, 9, tzinfo=UTC)
    given = {**MAIL, "name": "n", "type": "scheduled", "start_at": moment, "track": {"opens": True, "clicks": None}}
    task = parse_send_task(definition_texts(given), where="test")
    assert (task.schedule.start_at, task.track_opens, task.track_clicks) == (moment, True, None)


async def event_from(trigger: RunFinishedTrigger) -> dict[str, Any]:
    path, kwargs = trigger.serialize()
    assert path == "ses_ops.orchestration.triggers.run_finished.RunFinishedTrigger"
    async for event in RunFinishedTrigger(**json.loads(json.dumps(kwargs))).run():
        return event.payload
    raise AssertionError("no event")


def test_the_wait_goes_on_while_the_database_is_away_and_ends_in_time(world, monkeypatch):
    world.group("customers", 5)
    world.task("news", group="customers", type="triggered")
    trigger = RunFinishedTrigger(
        task_id=world.overview("news").id, run_id="started__1", poll_interval=0.05, until=time.time() + 120
    )
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@127.0.0.1:1/none")

    async def back_later() -> dict[str, Any]:
        waiting = asyncio.create_task(event_from(trigger))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
        await asyncio.to_thread(world.whole_run, world.run("news", RunKind.TRIGGERED, run_id="started__1"))
        return await waiting

    assert asyncio.run(back_later())["counts"]["sent_count"] == 5
    trigger = RunFinishedTrigger(task_id=0, run_id=None, poll_interval=0.05, until=time.time() - 1)
    assert "deleted" in asyncio.run(event_from(trigger))["problem"]
    world.task("late", group="customers", type="triggered")
    trigger = RunFinishedTrigger(
        task_id=world.overview("late").id, run_id="x", poll_interval=0.05, until=time.time() - 1
    )
    assert asyncio.run(event_from(trigger)) == {"timeout": True}
    with pytest.raises(AirflowFailException, match="wait_timeout"):
        SendTaskOperator(task_id="t", definition=NEWS).execute_complete({}, {"timeout": True})
