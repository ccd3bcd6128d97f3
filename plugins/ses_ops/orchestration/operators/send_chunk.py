"""Task 3 of a send task's DAG, mapped: send chunks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from ses_ops import settings
from ses_ops.errors import SesError
from ses_ops.orchestration.connections import quota_plans, ses_db_dsn, smtp_settings
from ses_ops.orchestration.operators.base import SesOperator
from ses_ops.orchestration.operators.run_context import run_of
from ses_ops.orchestration.pause import PauseWatch
from ses_ops.storage.connection import StatementFailed, connected

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_ops.domain.warmup import QuotaPlans

COUNTS = ("sent", "failed", "suppressed", "unknown", "left")


class StoppableOperator(SesOperator):
    """An operator that sends, and ends early and cleanly at SIGTERM (Airflow: clear, mark, shut down)."""

    _stop: threading.Event | None = None
    _killed = False

    def on_kill(self) -> None:
        """Finish the messages under way and write their outcomes; Airflow kills the process 5 s later.

        Airflow calls this in a signal handler: a thread sets the event, because the main thread may hold its lock.
        """
        self._killed = True
        if self._stop is not None:
            threading.Thread(target=self._stop.set, name="stop sending").start()

    def stop_event(self) -> threading.Event:
        """The event that `on_kill` sets. (It is made here because an operator is copied, and an event cannot be.)"""
        self._stop = threading.Event()
        if self._killed:
            self._stop.set()
        return self._stop


class SendChunkOperator(StoppableOperator):
    """Sends its chunks, one after the other; returns the counts."""

    ui_color = "#fef7e0"

    def __init__(self, *, chunk_ids: list[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chunk_ids = chunk_ids

    def work(self, context: Context) -> dict[str, Any]:
        """Send the pending messages of the chunks; when Airflow interrupts that, the task is retried."""
        run, stop = run_of(context), self.stop_event()
        total: dict[str, Any] = dict.fromkeys(COUNTS, 0)
        context["ses_chunk"] = f"chunk {', '.join(str(one) for one in self.chunk_ids)}"
        with PauseWatch(context["ti"], run.task_name):
            for chunk_id in self.chunk_ids:
                self._send(chunk_id, run.run_id, stop, total)
                context["ses_chunk"] = f"{total['sent']:,} sent"
        return total

    def _send(self, chunk_id: int, run_id: str, stop: threading.Event, total: dict[str, Any]) -> None:
        from ses_ops.sending.send import send_chunk

        plans = quota_plans()
        report = send_chunk(
            ses_db_dsn(),
            chunk_id,
            run_id,
            smtp=smtp_settings(),
            templates_root=settings.templates_root(),
            stop=stop,
            plans=plans,
        )
        self._judge(chunk_id, plans)
        self.log.info("Chunk %s: %s", chunk_id, report)
        for name in COUNTS:
            total[name] += getattr(report, name)
        total["ending"] = report.ending
        if stop.is_set() and report.left:
            raise AirflowException(f"stopped by Airflow with {report.left:,} messages of chunk {chunk_id} left")

    def _judge(self, chunk_id: int, plans: QuotaPlans) -> None:
        """Judge the sender domain, so that the next chunk of a bad list is held. A problem is one of the log."""
        if not plans.any_reputation:
            return
        from ses_ops.application.reputation_steps import judge_after_chunk

        try:
            with connected(ses_db_dsn(), application="ses-ops judge") as conn:
                judge_after_chunk(conn, plans, chunk_id)
        except (SesError, StatementFailed) as problem:
            self.log.warning("the domain of chunk %s was not judged: %s", chunk_id, problem)
