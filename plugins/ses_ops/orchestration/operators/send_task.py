"""An operator for people's own DAGs: write a send task, run it, and wait for its mail."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ses_ops.orchestration.operators.base import errors_for_airflow
from ses_ops.orchestration.triggers.run_finished import RunFinishedTrigger, event_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_ops.domain.send_task import SendTask

#: Seconds between two tries to start the run of a new task, whose DAG Airflow has to read first.
_DAG_INTERVAL = 3.0


class SendTaskOperator(BaseOperator):
    """Creates or changes a send task, has it started, and waits until all its mail has its outcome.

    `definition` has the fields of a task's YAML file; its texts are templates. The rules are those of `ses task apply`:
    the same definition again changes nothing. An immediate or scheduled task starts by itself, once; a triggered or
    recurring one is started by this task, once a DAG run: neither a retry nor a clear mails anybody twice.

    Returns the counts of the mail: `request_count`, `sent_count`, `failed_count` and so on. The task fails when the
    mail does not go on before a person acts. Mail that waits for tomorrow's quota is waited for, with
    `deferrable=True` without a worker's slot, for `wait_timeout` at most. `wait=False` ends after the start.
    """

    template_fields: Sequence[str] = ("definition",)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        definition: Mapping[str, Any],
        wait: bool = True,
        wait_timeout: timedelta | float = timedelta(days=7),
        dag_timeout: timedelta | float = timedelta(minutes=5),
        poll_interval: float = 10.0,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.definition = definition
        self.wait = wait
        self.wait_timeout = _seconds(wait_timeout)
        self.dag_timeout = _seconds(dag_timeout)
        self.poll_interval = poll_interval
        by_default = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = by_default if deferrable is None else deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Write, start, wait."""
        from ses_ops.application.task_runs import starts_by_itself

        with errors_for_airflow():
            task, task_id = self._write(context)
        run_id = None
        if not starts_by_itself(task):
            run_id = run_id_of(context["ti"])
            self._start(task, run_id)
        until = time.time() + self.wait_timeout
        if not self.wait:
            return {"task": task.name, "run_id": run_id}
        if self.deferrable:
            trigger = RunFinishedTrigger(task_id=task_id, run_id=run_id, poll_interval=self.poll_interval, until=until)
            self.defer(trigger=trigger, method_name="execute_complete")
        while True:
            with errors_for_airflow():
                event = event_of(task_id, run_id) or {"timeout": True}
            if "timeout" not in event or time.time() >= until:
                return self.execute_complete(context, event)
            time.sleep(self.poll_interval)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The end of the wait."""
        if problem := event.get("problem"):
            raise AirflowFailException(str(problem))
        if event.get("timeout"):
            raise AirflowFailException("not all mail had its outcome in time (wait_timeout); it goes on by itself")
        self.log.info("%s", event["counts"])
        return dict(event["counts"])

    def _write(self, context: Context) -> tuple[SendTask, int]:
        """Create or change the task; its definition and its id."""
        from ses_ops import settings
        from ses_ops.application.airflow_requests import AskedAuditLog, AskedScheduler
        from ses_ops.application.ports import Actor
        from ses_ops.application.task_runs import write_task
        from ses_ops.domain.send_task import parse_send_task
        from ses_ops.domain.task_definition import definition_texts
        from ses_ops.orchestration.connections import ses_db_dsn
        from ses_ops.storage.connection import connected
        from ses_ops.storage.tasks import send_tasks

        where = f"{self.dag_id}.{self.task_id}"
        task = parse_send_task(definition_texts(self.definition), where=where)
        by = f"DAG {context['ti'].dag_id}"
        with connected(ses_db_dsn(), application="ses-ops send task") as conn:
            # A task cannot write to Airflow's database: its audit log and its DAGs are asked for.
            actor = Actor(name=by, audit=AskedAuditLog(conn))
            written = write_task(
                conn, actor, task, now=datetime.now(UTC), where=where, templates_root=settings.templates_root()
            )
            for notice in written.scheduler:
                notice.tell(AskedScheduler(conn, by))
            self.log.info("send task %s: %s", task.name, written.applied[task.name].value)
            return task, send_tasks.find_row(conn, task.name).id

    def _start(self, task: SendTask, run_id: str) -> None:
        """Start the run; a new task's DAG is waited for. A run of that id that exists was started by an earlier try."""
        from ses_ops.application.send_now import starts_again
        from ses_ops.domain.occurrence import SEND_AGAIN
        from ses_ops.orchestration.lookup import execution_api

        end, told = time.monotonic() + self.dag_timeout, False
        while True:
            try:
                return execution_api.trigger(task.dag_id, run_id, {SEND_AGAIN: True} if starts_again(task) else {})
            except Exception as problem:
                if time.monotonic() >= end:
                    raise AirflowException(f"Airflow could not start {task.dag_id}: {problem}") from problem
                if not told:
                    self.log.info("%s is not started yet: %s", task.dag_id, problem)
                told = True
            time.sleep(_DAG_INTERVAL)


def run_id_of(ti: Any) -> str:
    """The id of the run that a task instance starts: the same at each try."""
    parts = json.dumps([ti.dag_id, ti.run_id, ti.task_id, -1 if ti.map_index is None else ti.map_index])
    return f"started__{hashlib.sha256(parts.encode()).hexdigest()[:40]}"


def _seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else float(span)
