"""In a task, servers and quota are asked of the api-server through the supervisor, whose silence is no answer."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse

from ses_ops.errors import LookUpFailed, NotSetUp
from ses_ops.orchestration import connections
from tests.dags.test_test_send_dag import FORM

NAMES = ("AIRFLOW_CONN_SES_DB", "AIRFLOW_CONN_SES_SMTP", "AIRFLOW_VAR_SES_WARMUP_QUOTA")


def test_a_task_sends_with_what_only_airflows_database_knows(world, mail_server, run_dag, monkeypatch):
    from airflow.models.connection import Connection
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert run_dag("ses_test_send", conf=FORM).state == "failed", "there is no database yet"
    with create_session() as session:
        session.add(Connection(conn_id="ses_db", uri=world.dsn))
        session.add(Connection(conn_id="ses_smtp", conn_type="generic", host="127.0.0.1", port=mail_server.port))
    Variable.set("ses_warmup_quota", json.dumps(world.quota_variable))
    assert run_dag("ses_test_send", conf=FORM).state == "success"
    assert dict(mail_server.accepted) == dict.fromkeys(FORM["recipients"], 1)


def raises(problem: Exception):
    def send(question):
        raise problem

    return send


SILENT = {
    "a server that is away": lambda question: ErrorResponse(error=ErrorType.API_SERVER_ERROR),
    "a server that fails": raises(AirflowRuntimeError(ErrorResponse(error=ErrorType.GENERIC_ERROR))),
    "a pipe that broke": raises(BrokenPipeError("gone")),
}


@pytest.mark.parametrize("send", SILENT.values(), ids=SILENT)
def test_an_api_server_that_does_not_answer_is_asked_again_later(send, airflow_db, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=send), raising=False)
    for ask in (connections.ses_db_dsn, connections.smtp_settings, connections.quota_variable):
        with pytest.raises(LookUpFailed, match="api-server did not answer"):
            ask()


def test_what_the_api_server_has_not_waits_for_a_person(airflow_db, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    absent = {"GetConnection": ErrorType.CONNECTION_NOT_FOUND, "GetVariable": ErrorType.VARIABLE_NOT_FOUND}

    def send(question):
        return ErrorResponse(error=absent[type(question).__name__])

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=send), raising=False)
    assert connections.quota_variable() is None
    for ask in (connections.ses_db_dsn, connections.smtp_settings):
        with pytest.raises(NotSetUp, match="Admin > Connections"):
            ask()
