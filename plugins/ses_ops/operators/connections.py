"""Servers and settings as a task or a DAG file finds them: the environment first, then Airflow's own connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    value = Variable.get(VARIABLE, default=None)
    return None if value is None else str(value)


def _airflow_connection(connection_id: str) -> Connection | Any | None:
    """An Airflow connection, or None when there is none: then the settings' own error is the clearer one."""
    from airflow.sdk.bases.hook import BaseHook

    try:
        return BaseHook.get_connection(connection_id)
    except Exception:
        return None
