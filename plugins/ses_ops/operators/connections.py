"""Servers and settings as a task or a DAG file finds them: the environment first, then Airflow's own connections."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError, ErrorType

from ses_ops import settings
from ses_ops.domain.warmup import VARIABLE
from ses_ops.errors import SesError
from ses_ops.transports.smtp_settings import (
    SmtpSettings,
    smtp_settings_from_connection_uri,
    smtp_settings_from_fields,
)

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from airflow.sdk.execution_time.comms import GetConnection, GetVariable

log = logging.getLogger(__name__)

#: Ids of Airflow connections, for who keeps them in Airflow's database or in a secrets backend.
DB_CONNECTION = "ses_db"
SMTP_CONNECTION = "ses_smtp"


def ses_db_dsn() -> str:
    """The `ses` database as a libpq URI: the environment, the running stack, or Airflow's connection `ses_db`.

    Raises SesError that says what to set.
    """
    try:
        return settings.db_dsn()
    except SesError as problem:
        connection = _airflow_connection(DB_CONNECTION)
        if connection is None:
            raise problem from None
        return settings.libpq_uri(connection.get_uri())


def smtp_settings() -> SmtpSettings:
    """The mail server: the environment, the running stack, or Airflow's connection `ses_smtp`. Raises SesError."""
    server = _smtp_settings()
    for words in server.unused:
        log.warning("the mail server's connection: %s", words)
    return server


def _smtp_settings() -> SmtpSettings:
    try:
        given = settings.smtp_connection_uri()
    except SesError as problem:
        connection = _airflow_connection(SMTP_CONNECTION)
        if connection is None:
            raise problem from None
        return smtp_settings_from_fields(
            conn_type=connection.conn_type,
            host=connection.host,
            port=connection.port,
            login=connection.login,
            password=connection.password,
            extra=connection.extra_dejson,
        )
    return smtp_settings_from_connection_uri(given)


def quota_variable() -> str | None:
    """The Airflow Variable with the warm-up plans, as text; None when it is not set."""
    from airflow.sdk import Variable
    from airflow.sdk.execution_time.comms import GetVariable

    value = Variable.get(VARIABLE, default=None)
    if value is None:
        _make_sure_it_is_absent(GetVariable(key=VARIABLE), ErrorType.VARIABLE_NOT_FOUND)
    return None if value is None else str(value)


def _airflow_connection(connection_id: str) -> Connection | Any | None:
    """An Airflow connection, or None when there is none: then the settings' own error is the clearer one."""
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.execution_time.comms import GetConnection

    try:
        return BaseHook.get_connection(connection_id)
    except Exception:
        _make_sure_it_is_absent(GetConnection(conn_id=connection_id), ErrorType.CONNECTION_NOT_FOUND)
        return None


def _make_sure_it_is_absent(question: GetConnection | GetVariable, absent: ErrorType) -> None:
    """Raise AirflowException, which a retry can mend, unless Airflow itself says that it has no such thing.

    Airflow's SDK takes an api-server that does not answer for one that has nothing. What is missing waits for a person;
    an api-server that is away for a moment must not.
    """
    from airflow.sdk.execution_time import task_runner

    supervisor = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if supervisor is None:
        return  # not in a task: no api-server was asked
    try:
        answer = supervisor.send(question)
    except AirflowRuntimeError as problem:
        answer = problem.error
    if getattr(answer, "error", None) is not absent:
        raise AirflowException(f"Airflow's api-server did not answer when it was asked for {question}")
