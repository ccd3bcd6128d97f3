"""The one task of the DAG `ses_test_send`: a test send as its form says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ses_ops import settings
from ses_ops.orchestration.connections import quota_plans, ses_db_dsn, smtp_settings
from ses_ops.orchestration.operators.send_chunk import COUNTS, StoppableOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class TestSendOperator(StoppableOperator):
    """Sends one message to each address of the form; fails when there is no quota for all of them."""

    __test__ = False  # pytest must not collect the class for its name
    ui_color = "#fef7e0"

    def task_name(self, context: Context) -> str | None:  # noqa: ARG002
        """None, because a test send has no send task at which an error could be stored."""
        return None

    def work(self, context: Context) -> dict[str, Any]:
        """Send; a retry of the same run sends no message twice."""
        from ses_ops.application.test_sends import TestSend, test_send

        form = context["params"]
        stop = self.stop_event()
        report = test_send(
            ses_db_dsn(),
            TestSend(
                template=form["template"],
                subject=form["subject"] or None,
                sender=form["sender"],
                recipients=list(form["recipients"]),
                values={str(name): str(value) for name, value in (form["values"] or {}).items()},
                reply_to=form.get("reply_to") or None,
                unsubscribe_url=form.get("unsubscribe_url") or None,
                unsubscribe=form.get("unsubscribe") or "none",
                advertisement=form.get("advertisement") or "none",
                track=form.get("track") or None,
            ),
            run_id=context["dag_run"].run_id,
            plans=quota_plans(),
            smtp=smtp_settings(),
            templates_root=settings.templates_root(),
            stop=stop,
        )
        self.log.info("%s", report)
        counts = {name: getattr(report, name) for name in COUNTS}
        if report.failed or report.unknown:
            raise AirflowFailException(f"not everything was sent: {counts}; its messages have the reasons")
        if report.left:
            raise AirflowException(f"not everything was sent yet: {counts} ({report.ending})")
        return counts
