"""What the operators decide by themselves: whose run it is, how large a chunk is, what is worth a retry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.occurrence import SEND_AGAIN, RunKind
from ses_ops.errors import (
    AttemptSuperseded,
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    LookUpFailed,
    TransportUnavailable,
)
from ses_ops.orchestration.operators.base import errors_for_airflow
from ses_ops.orchestration.operators.reserve_quota import LARGEST_CHUNK, SMALLEST_CHUNK, chunk_size, in_groups
from ses_ops.orchestration.operators.run_context import run_of
from ses_ops.orchestration.operators.send_chunk import SendChunkOperator
from ses_ops.orchestration.pause import PauseWatch
from ses_ops.transports.errors import SetupRefused
from tests.integration.engagement.opens import SENT, opens_of

SLOT = datetime(2026, 12, 1, tzinfo=UTC)


def context(run_id="manual__x", run_type="manual", conf=None, params=None):
    dag_run = SimpleNamespace(
        dag_id="send_task__spring", run_id=run_id, run_type=run_type, conf=conf, logical_date=SLOT
    )
    return {"dag_run": dag_run, "params": params or {}}


def test_a_run_of_the_schedule_knows_its_slot():
    run = run_of(context("scheduled__x", "scheduled"))
    assert (run.task_name, run.kind, run.logical_at) == ("spring", RunKind.SCHEDULED, SLOT)


@pytest.mark.parametrize("run_type", ["manual", "operator_triggered", "asset_triggered", "backfill"])
def test_every_other_run_was_triggered_and_has_no_slot(run_type):
    run = run_of(context(run_type=run_type))
    assert (run.kind, run.logical_at) == (RunKind.TRIGGERED, None)


@pytest.mark.parametrize("given_by", [{"run_id": "resume__2026"}, {"conf": {"resume": True}}])
def test_a_resume_is_known_by_its_run_id_or_its_conf_and_never_mails_everybody_again(given_by):
    run = run_of(context(**given_by, params={SEND_AGAIN: True}))
    assert (run.kind, run.send_again) == (RunKind.RESUME, False)


def test_a_run_of_the_schedule_never_mails_everybody_again():
    assert not run_of(context("scheduled__x", "scheduled", params={SEND_AGAIN: True})).send_again
    assert run_of(context(params={SEND_AGAIN: True})).send_again


def test_a_rate_limit_makes_chunks_smaller_within_bounds():
    assert chunk_size(None) == LARGEST_CHUNK
    assert chunk_size(100) == 2_000
    assert chunk_size(0.1) == SMALLEST_CHUNK
    assert chunk_size(1e9) == LARGEST_CHUNK


@given(st.lists(st.integers(), max_size=5000, unique=True), st.integers(1, 1024))
def test_all_chunks_fit_into_the_mapped_tasks_that_airflow_allows(chunk_ids, most):
    groups = in_groups(chunk_ids, most)
    assert [one for group in groups for one in group] == chunk_ids
    assert len(groups) <= most
    assert all(groups)


@pytest.mark.parametrize(
    "problem", [DatabaseUnavailable("x"), TransportUnavailable("x"), LookUpFailed("x"), Conflict("x")]
)
def test_what_may_be_back_soon_is_retried(problem):
    with pytest.raises(AirflowException) as raised, errors_for_airflow():
        raise problem
    assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.parametrize("problem", [InvalidInput("wrong", field="plan"), AttemptSuperseded("x"), SetupRefused("x")])
def test_what_a_person_must_mend_is_not_retried_and_keeps_its_words(problem):
    with pytest.raises(AirflowFailException, match=str(problem)), errors_for_airflow():
        raise problem


@pytest.mark.parametrize("given", ["", "mysql://h/d", "empty"], ids=["without", "with a wrong", "with an empty"])
def test_a_task_fails_at_once_and_says_what_to_do_with_no_database_of_ours(given, airflow_db, monkeypatch, postgres):
    from ses_ops.orchestration.operators.recover import RecoverOperator

    given = postgres.dsn(postgres.new_database()) if given == "empty" else given
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", given)
    words = "Admin > Connections" if not given else "is not postgres" if "mysql" in given else "the ses database has "
    with pytest.raises(AirflowFailException, match=words):
        RecoverOperator(task_id="recover").execute({})


def test_maintenance_empties_the_devices_of_those_who_opened(world, monkeypatch):
    from ses_ops.orchestration.operators.recover import RecoverOperator

    opens = opens_of(world, "spring", ["ann@shop.example"])
    opens.record(opens.open(1, 600), opens.open(1, 700))
    world.execute(
        "UPDATE engagement SET received_at = now() - interval '3 days' WHERE happened_at = %s",
        SENT + timedelta(seconds=700),
    )
    monkeypatch.setenv("SES_DEVICE_DATA_DAYS", "2")
    operator = RecoverOperator(task_id="recover")
    operator._empty_devices(world.conn)
    assert world.rows("SELECT ip IS NULL, user_agent IS NULL, rule FROM engagement ORDER BY happened_at") == [
        (False, False, "ordinary_client"),
        (True, True, "ordinary_client"),
    ]
    # A setting that is wrong is a line of the log, and mail goes on.
    monkeypatch.setenv("SES_DEVICE_DATA_DAYS", "seven")
    operator._empty_devices(world.conn)


def test_an_error_outside_of_sending_is_put_on_show_at_the_task(world):
    world.group("customers", 1)
    world.task("hello", group="customers")
    with pytest.raises(AirflowFailException), errors_for_airflow("hello"):
        raise InvalidInput("is not a port", where="AIRFLOW_CONN_SES_SMTP")
    assert world.overview("hello").error == "AIRFLOW_CONN_SES_SMTP: is not a port"


def test_a_kill_stops_the_sending_whenever_it_comes():
    operator = SendChunkOperator(task_id="send", chunk_ids=[1])
    stop = operator.stop_event()
    operator.on_kill()
    assert stop.wait(60)
    early = SendChunkOperator(task_id="send", chunk_ids=[1])
    early.on_kill()
    assert early.stop_event().is_set()


def test_a_kill_stops_the_sending_of_single_messages_by_the_maintenance(monkeypatch):
    from ses_ops.orchestration.operators import recover
    from ses_ops.sending.single import without_service

    given = []
    monkeypatch.setattr(without_service, "send_due", lambda sender, *, stop: given.append(stop))
    monkeypatch.setattr(recover, "ses_db_dsn", lambda: "postgresql:///nowhere")
    operator = recover.RecoverOperator(task_id="recover")
    operator._send_due_messages()
    operator.on_kill()
    assert given[0].wait(60)


def test_a_switch_turned_while_mail_is_sent_pauses_the_task(world):
    world.group("customers", 1)
    world.task("hello", group="customers")
    looked = []

    def get_dag(dag_id):
        looked.append(dag_id)
        return SimpleNamespace(is_paused=len(looked) > 1)

    watch = PauseWatch(SimpleNamespace(get_dag=get_dag), "hello", interval=0.02)
    with watch:
        watch._thread.join(60)
    assert looked == ["send_task__hello"] * 2
    assert world.overview("hello").reason == "paused in Airflow"


def test_a_switch_that_cannot_be_read_for_a_while_is_looked_at_again(world):
    world.group("customers", 1)
    world.task("hello", group="customers")
    looked = []

    def get_dag(dag_id):
        looked.append(dag_id)
        if len(looked) < 3:
            raise RuntimeError("no answer")
        return SimpleNamespace(is_paused=True)

    with PauseWatch(SimpleNamespace(get_dag=get_dag), "hello", interval=0.01) as watch:
        watch._thread.join(60)
    assert len(looked) == 3
    assert world.overview("hello").reason == "paused in Airflow"
