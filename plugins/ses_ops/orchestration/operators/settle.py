"""Task 4 of a send task's DAG: settle the run, judge the sender domain, and queue the next run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowFailException

from ses_ops.errors import SesError
from ses_ops.orchestration.connections import quota_plans, ses_db_dsn
from ses_ops.orchestration.operators.base import errors_for_airflow
from ses_ops.orchestration.operators.run_context import RESUME_CONF, run_of
from ses_ops.orchestration.operators.start_runs import start_resumes
from ses_ops.storage.connection import StatementFailed, connected

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg2.extensions import connection as Connection


class SettleOperator(TriggerDagRunOperator):
    """Settles, and triggers a run of its own DAG for the time when cached mail is resumed: a queued run in the UI.

    The id of that run follows from the time, so that any number of triggers makes one run. When the run exists already,
    the task shows as *skipped*. An error that needs a person fails the task, and so the run.
    """

    template_fields = ()
    ui_color = "#f3e8fd"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            skip_when_already_exists=True,
            wait_for_completion=False,
            deferrable=False,
            openlineage_inject_parent_info=False,
            **kwargs,
        )

    def execute(self, context: Context) -> None:
        """Settle, then trigger the next run. (The trigger ends by an exception that Airflow's runner handles.)"""
        from ses_ops.sending.settle import settle

        run = run_of(context)
        with errors_for_airflow(run.task_name), connected(ses_db_dsn(), application="ses-ops settle") as conn:
            settlement = settle(conn, run)
            goes_on = self._judge(conn, settlement.sender_domain)
            if run.task_name in goes_on:
                settlement = settle(conn, run)
        start_resumes([name for name in goes_on if name != run.task_name], datetime.now(UTC))
        self.log.info("%s", settlement)
        if settlement.error is not None:
            raise AirflowFailException(settlement.error)
        if settlement.resume_at is None or settlement.resume_run_id is None:
            return
        self.log.info(
            "%s messages are cached (%s); the next run is at %s",
            f"{settlement.cached:,}",
            settlement.reason,
            settlement.resume_at.isoformat(),
        )
        self.trigger_dag_id = context["dag_run"].dag_id
        self.trigger_run_id = settlement.resume_run_id
        self.conf = dict(RESUME_CONF)
        self.logical_date = None
        self.run_after = settlement.resume_at
        super().execute(context)

    def _judge(self, conn: Connection, domain: str) -> list[str]:
        """Judge the sender domain; the tasks whose cached mail goes on now, because the level was raised.

        A problem is one of the log: the run is settled, and `ses_maintenance` judges every domain.
        """
        from ses_ops.application.reputation_steps import judge_and_go_on

        try:
            return judge_and_go_on(conn, quota_plans(), domain)
        except (SesError, StatementFailed) as problem:
            self.log.warning("%s was not judged: %s", domain, problem)
            return []
