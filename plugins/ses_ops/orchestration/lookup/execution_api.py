"""Connections and Variables from Airflow's api-server, for tasks and DAG files; runs, for tasks.

They are asked for through the supervisor of the process. Airflow's own SDK treats an api-server that does not answer
as one without the connection. That is not done here: a missing connection needs a person, an api-server that cannot be
reached for a moment needs a retry.
"""

from __future__ import annotations

import sys
from typing import Any

from ses_ops.airflow_connection import ConnectionFields, connection_of
from ses_ops.errors import LookUpFailed, NotSetUp


def is_there() -> bool:
    """Whether this process has a supervisor: so when it runs a task, or reads a DAG file."""
    return _supervisor() is not None


def connection(conn_id: str) -> ConnectionFields | None:
    """A connection of the api-server; None when it has none of that id. Raises LookUpFailed, NotSetUp."""
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time.comms import GetConnection

    what = f"the connection {conn_id}"
    answer = _answer(GetConnection(conn_id=conn_id), ErrorType.CONNECTION_NOT_FOUND, what)
    if answer is None:
        return None
    return connection_of(answer, f"the Airflow connection {conn_id}")


def variable(key: str) -> str | None:
    """A Variable of the api-server; None when it has none of that key. Raises LookUpFailed, NotSetUp."""
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time.comms import GetVariable

    answer = _answer(GetVariable(key=key), ErrorType.VARIABLE_NOT_FOUND, f"the Variable {key}")
    return None if answer is None or answer.value is None else str(answer.value)


def trigger(dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
    """Start a run of another DAG now; nothing when a run of that id exists. Raises what Airflow raises."""
    from airflow.sdk.execution_time.comms import TriggerDagRun

    _supervisor().send(TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=conf))


def _supervisor() -> Any:
    return getattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS", None)


def _answer(question: Any, absent: Any, what: str) -> Any:
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType

    failed = LookUpFailed("api_server_did_not_answer", what=what)
    try:
        answer = _supervisor().send(question)
    except AirflowRuntimeError as problem:
        answer = problem.error
    except Exception as cause:
        raise failed from cause
    error = getattr(answer, "error", None)
    if error is None and answer is not None:
        return answer
    if error is absent:
        return None
    if error is getattr(ErrorType, "PERMISSION_DENIED", False):
        raise NotSetUp("read_not_allowed", what=what)
    raise failed
