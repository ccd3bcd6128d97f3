"""What the API asks of Airflow, done by a task: as far as a task may, which has no way to Airflow's database.

A task can start runs, through the operator that it feeds, and write a Variable. The switch of a DAG and entries of the
audit log are left to a process with Airflow's database (`ses airflow-sync`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ses_ops.application.airflow_requests import AirflowAsk, do_requests
from ses_ops.domain.occurrence import RunKind, decision_run
from ses_ops.domain.quota_text import entry_mark, with_entry
from ses_ops.domain.send_task import dag_id
from ses_ops.domain.warmup import VARIABLE, parse_plan
from ses_ops.errors import Conflict
from ses_ops.orchestration.connections import quota_variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg2.extensions import connection as Connection

#: What a task can do. A new DAG is found by the DAG processor at its next turn.
KINDS = (AirflowAsk.START_RUN, AirflowAsk.TRIGGER_RUN, AirflowAsk.UPDATE_DAGS, AirflowAsk.QUOTA_ENTRY)


def do_in_task(conn: Connection) -> tuple[list[dict[str, Any]], list[str]]:
    """The runs to start, as arguments of TriggerDagRunOperator, and the problems of what could not be done."""
    runs = _Runs()
    problems = do_requests(conn, scheduler=runs, plans=_VariableOfTask(), write_entries=None, kinds=KINDS)
    return runs.wanted, problems


class _Runs:
    """The port `Scheduler`, as far as it is about runs."""

    def __init__(self) -> None:
        self.wanted: list[dict[str, Any]] = []

    def start_run(self, task_name: str, kind: RunKind | None = None, /) -> str | None:
        run_id, run_conf = decision_run(kind, datetime.now(UTC))
        self.trigger_run(task_name, run_id, run_conf)
        return run_id

    def trigger_run(self, task_name: str, run_id: str, conf: dict[str, Any] | None = None, /) -> bool:
        self.wanted.append(
            {
                "trigger_dag_id": dag_id(task_name),
                "trigger_run_id": run_id,
                "run_after": datetime.now(UTC).isoformat(),
                "conf": conf or {},
            }
        )
        return True

    def update_dags(self, *, created: Sequence[str], changed: Sequence[str]) -> bool:
        """Nothing: the DAG processor finds them by itself."""
        del created, changed
        return False

    def pause_dag(self, task_name: str, /) -> bool:
        raise NotImplementedError(task_name)

    unpause_dag = pause_dag

    def forget_task(self, task_name: str, /) -> None:
        raise NotImplementedError(task_name)


class _VariableOfTask:
    """The port `PlanStore` through the task's own way to Variables. An edit at the same moment may be lost."""

    def write_quota_entry(self, domain: str, entry: Mapping[str, Any], /, *, seen: str) -> None:
        from airflow.sdk import Variable

        parse_plan(domain, entry)
        text = quota_variable()
        if entry_mark(text, domain) != seen:
            raise Conflict("quota_entry_changed_meanwhile", domain=domain)
        Variable.set(VARIABLE, with_entry(text, domain, entry))
