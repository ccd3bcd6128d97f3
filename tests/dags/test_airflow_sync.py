"""What the API needs of Airflow is copied, what it asks of Airflow is done: by `ses airflow-sync`, and by a task."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from ses_ops.application.airflow_copy import AirflowCopy
from ses_ops.application.airflow_requests import AskedAuditLog, AskedPlanStore, AskedScheduler
from ses_ops.application.ports import Actor
from ses_ops.application.secret_box import VARIABLE
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.quota_text import entry_mark
from ses_ops.errors import Conflict, InvalidInput
from tests.dags.test_send_task_dag import runs_of

ENTRY = {"plan": [77], "started_on": "2026-01-01", "time_zone": "UTC"}


@pytest.fixture(autouse=True)
def fernet_key(monkeypatch, airflow_db):
    """Airflow in this process has its own; it is one and the same."""
    from airflow.configuration import conf

    key = conf.get("core", "fernet_key", fallback="") or Fernet.generate_key().decode()
    monkeypatch.setenv(VARIABLE, key)


@pytest.fixture
def copy(world):
    found = AirflowCopy(world.dsn)
    yield found
    found.close()


def variable_of_airflow(value):
    from airflow.models.variable import Variable

    Variable.set("ses_warmup_quota", value)


def test_the_copy_is_what_airflow_has(world, airflow_db, copy, monkeypatch):
    from ses_ops.orchestration.airflow_sync import sync

    copy.read()
    assert not copy.known
    variable_of_airflow(json.dumps({"mail.example.com": ENTRY}))
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", "smtp://me:s3cret@mx.example.com:587/?tls=starttls")
    done = sync(world.conn)
    assert (done.quota, done.mail_server, done.problems) == (True, True, [])
    stored = world.rows("SELECT name, encode(value, 'escape') FROM airflow_copy ORDER BY name")
    assert [name for name, _ in stored] == ["ses_smtp", "ses_warmup_quota"]
    assert "s3cret" not in str(stored)
    monkeypatch.delenv("AIRFLOW_CONN_SES_SMTP")
    copy.start()
    assert copy.known
    assert copy.plans()["mail.example.com"].allotment(1) == 77
    server = copy.smtp()
    assert (server.host, server.port, server.login, server.password) == ("mx.example.com", 587, "me", "s3cret")


def test_the_environment_of_the_process_comes_first(world, airflow_db, copy, monkeypatch):
    from ses_ops.orchestration.airflow_sync import sync

    variable_of_airflow(json.dumps({"mail.example.com": ENTRY}))
    sync(world.conn)
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps({"mail.example.com": {**ENTRY, "plan": [5]}}))
    copy.read()
    assert copy.plans()["mail.example.com"].allotment(1) == 5


def test_what_was_asked_for_is_done_by_the_command(world, synced):
    from airflow.models.dag import DagModel
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    from ses_ops.orchestration.airflow_sync import sync

    world.group("customers", 3)
    world.task("hello", group="customers")
    synced()
    scheduler = AskedScheduler(world.conn, "shop (API key)")
    scheduler.pause_dag("hello")
    scheduler.start_run("hello", RunKind.TRIGGERED)
    actor = Actor(name="shop (API key)", audit=AskedAuditLog(world.conn))
    with pytest.raises(InvalidInput), actor.recorded("pause_task", task="hello", reason="why"):
        raise InvalidInput("template_name_missing")
    AskedPlanStore(world.conn, "shop (API key)", text=None).write_quota_entry("new.example.com", ENTRY, seen="")
    world.execute("UPDATE airflow_request SET asked_at = asked_at - interval '1 minute'")
    assert sync(world.conn).problems == []
    with create_session() as session:
        assert session.get(DagModel, "send_task__hello").is_paused
        (entry,) = session.query(Log).filter(Log.event == "ses_pause_task")
        facts = json.loads(entry.extra)
        assert (entry.owner, facts["task"], facts["reason"]) == ("shop (API key)", "hello", "why")
        assert facts["refused"]
    assert len(runs_of("send_task__hello")) == 1
    from airflow.models.variable import Variable

    assert json.loads(Variable.get("ses_warmup_quota"))["new.example.com"] == ENTRY
    assert world.rows("SELECT count(*) FROM airflow_request WHERE done_at IS NULL") == [(0,)]
    sync(world.conn)
    assert len(runs_of("send_task__hello")) == 1, "nothing is done twice"


def test_a_run_of_a_dag_that_is_not_read_yet_waits_for_it(world, synced):
    from ses_ops.orchestration.airflow_sync import sync

    world.group("customers", 3)
    AskedScheduler(world.conn, "shop").start_run("late", None)
    assert len(sync(world.conn).problems) == 1
    assert world.rows("SELECT done_at, problem FROM airflow_request") == [(None, None)]
    world.task("late", group="customers")
    synced()
    assert sync(world.conn).problems == []
    assert len(runs_of("send_task__late")) == 1


def test_the_maintenance_starts_runs_and_copies_where_nothing_else_does(world, run_dag, synced, set_quota, copy):
    world.group("customers", 3)
    world.task("hello", group="customers")
    synced()
    AskedScheduler(world.conn, "shop").start_run("hello", RunKind.TRIGGERED)
    AskedScheduler(world.conn, "shop").pause_dag("hello")
    assert run_dag("ses_maintenance").state == "success"
    (run,) = runs_of("send_task__hello")
    assert not run.conf.get("resume")
    assert world.rows("SELECT kind FROM airflow_request WHERE done_at IS NULL") == [("pause_dag",)]
    assert len(world.rows("SELECT name FROM airflow_copy")) == 2


def test_an_entry_that_somebody_else_changed_is_not_written(world, airflow_db):
    from ses_ops.orchestration.airflow_sync import sync

    text = json.dumps({"mail.example.com": ENTRY})
    store = AskedPlanStore(world.conn, "shop", text=text)
    with pytest.raises(Conflict):
        store.write_quota_entry("mail.example.com", {**ENTRY, "plan": [5]}, seen="another")
    variable_of_airflow(json.dumps({"mail.example.com": {**ENTRY, "plan": [6]}}))
    store.write_quota_entry("mail.example.com", {**ENTRY, "plan": [5]}, seen=entry_mark(text, "mail.example.com"))
    (problem,) = sync(world.conn).problems
    assert "mail.example.com" in problem
    (stored,) = world.rows("SELECT problem FROM airflow_request")
    assert stored[0]
