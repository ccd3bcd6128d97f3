"""Task 1 of a send task's DAG: freeze the audience.

The present recipients of the group become the ledger of the occurrence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops import settings
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.orchestration.operators.base import SesOperator
from ses_ops.orchestration.operators.run_context import run_of
from ses_ops.orchestration.pause import resume_if_switched_on
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from airflow.sdk import Context


class FreezeAudienceOperator(SesOperator):
    """Freezes the audience; returns its size, or why the occurrence waits for a person."""

    ui_color = "#e8f0fe"

    def work(self, context: Context) -> dict[str, Any]:
        """Write the occurrence to the ledger; a repetition changes nothing."""
        from ses_ops.sending.freeze import freeze_audience

        run = run_of(context)
        with connected(ses_db_dsn(), application="ses-ops freeze") as conn:
            resume_if_switched_on(conn, context["ti"], run.task_name)
            frozen = freeze_audience(conn, run, templates_root=settings.templates_root())
        nothing_starts = frozen.held_reason or frozen.passed_over
        if nothing_starts:
            self.log.warning("Nothing starts: %s", nothing_starts)
        else:
            self.log.info("%s messages in this occurrence", f"{frozen.request_count:,}")
        return {
            "request_count": frozen.request_count,
            "held_reason": None if nothing_starts is None else str(nothing_starts),
        }
