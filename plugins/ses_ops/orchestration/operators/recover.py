"""The first task of `ses_maintenance`: recover from lost triggers and dead runs, and keep the months of events."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias, conf

from ses_ops import settings
from ses_ops.domain.send_task import dag_id
from ses_ops.errors import SesError
from ses_ops.orchestration.connections import quota_plans, ses_db_dsn, smtp_settings
from ses_ops.orchestration.operators.run_context import RESUME_CONF
from ses_ops.orchestration.operators.send_chunk import StoppableOperator
from ses_ops.sending.recover import Overdue
from ses_ops.storage.connection import StatementFailed, connected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context
    from psycopg2.extensions import connection as Connection

#: Number of queued runs of a task of which one is surely due. Resumes that wait for their time are one for each time
#: that mail is cached until, rarely more than two; counted as a due run, they would make due mail wait for them.
QUEUED_ENOUGH = 4

#: The outlet of the task: an alias, so that an asset is updated when there is something to say, and not at each run.
FINISHED = AssetAlias("ses_send_task_finished")


class RecoverOperator(StoppableOperator):
    """Releases the chunks of dead runs; returns the runs to trigger, as arguments of TriggerDagRunOperator."""

    def task_name(self, context: Context) -> str | None:  # noqa: ARG002
        """None, because this step concerns all send tasks."""
        return None

    def work(self, context: Context) -> list[dict[str, Any]]:
        """Find the tasks with due cached mail for which Airflow has no run that is running or due."""
        from ses_ops.sending.recover import recover

        with connected(ses_db_dsn(), application="ses-ops maintenance") as conn:
            overdue = recover(conn)
            overdue += self._judge(conn, {one.task_name for one in overdue})
            self._keep_months(conn)
            self._empty_devices(conn)
            self._keep_single_messages(conn)
            self._look_up_providers(conn)
            self._announce(context, conn)
            self._send_single_messages(conn)
            asked = self._serve_api(conn)
        # Airflow refuses to map over more; the oldest come first, and the rest is found a minute later.
        most = conf.getint("core", "max_map_length")
        lost = list(islice((one for one in overdue if not self._has_a_run(context, dag_id(one.task_name))), most))
        for one in lost:
            self.log.warning("%s has mail that is due and no run: %s is triggered", one.task_name, one.run_id)
        return [
            {
                "trigger_dag_id": dag_id(one.task_name),
                "trigger_run_id": one.run_id,
                "run_after": one.run_after.isoformat(),
                "conf": RESUME_CONF,
            }
            for one in lost
        ] + asked[: most - len(lost)]

    def _send_single_messages(self, conn: Connection) -> None:
        """Send single messages that wait while no process of the API lives. A problem is one of the log."""
        from ses_ops.sending.single.without_service import due_without_service

        try:
            if due_without_service(conn):
                self.log.warning("single messages are due, and no process of the API lives")
                self._send_due_messages()
        except (SesError, StatementFailed) as problem:
            self.log.warning("single messages wait: %s", problem)

    def _send_due_messages(self) -> None:
        from ses_ops.application.single_messages.preparing import MailPreparer
        from ses_ops.application.template_source import TemplateSource
        from ses_ops.sending.single.sender import SingleMailSender
        from ses_ops.sending.single.without_service import send_due

        dsn, templates = ses_db_dsn(), TemplateSource(settings.templates_root())
        preparer = MailPreparer(dsn, templates=templates, smtp=smtp_settings)
        try:
            sender = SingleMailSender(dsn, smtp=smtp_settings, plans=quota_plans, remake=preparer.remake)
            send_due(sender, stop=self.stop_event())
        finally:
            preparer.close()

    def _judge(self, conn: Connection, known: set[str]) -> list[Overdue]:
        """Judge every domain; the tasks besides the known ones whose cached mail goes on because of that."""
        from ses_ops.application.reputation_steps import judge_all_and_go_on

        try:
            names = judge_all_and_go_on(conn, quota_plans())
        except (SesError, StatementFailed) as problem:
            self.log.warning("the reputation of the sender domains is as it was: %s", problem)
            return []
        return [Overdue.now(name, datetime.now(UTC)) for name in names if name not in known]

    def _keep_months(self, conn: Connection) -> None:
        """Make the months of events that begin, and drop old ones. A problem is one of the log: mail comes first."""
        from ses_ops.application.event_months import keep_months

        try:
            done = keep_months(conn, kept=settings.events_kept_months())
        except (SesError, StatementFailed) as problem:
            self.log.warning("the months of events are as they were: %s", problem)
            return
        if done.made or done.dropped or done.forgotten:
            self.log.info(
                "months of events: %s made, %s dropped; %s old unmatched events deleted",
                *(done.made, done.dropped, done.forgotten),
            )

    def _empty_devices(self, conn: Connection) -> None:
        """Empty the data of devices that is too old."""
        from ses_ops.application.device_data import device_data_days, empty_old_devices

        try:
            if done := empty_old_devices(conn, days=device_data_days()):
                self.log.info("addresses and user agents of %s opens and clicks were emptied", done)
        except (SesError, StatementFailed) as problem:
            self.log.warning("addresses and user agents of opens and clicks are as they were: %s", problem)

    def _keep_single_messages(self, conn: Connection) -> None:
        """Drop what of single messages is kept for some days only; a copy of the API does it too, while one lives."""
        from ses_ops.application.single_messages.keeping import keep

        try:
            if done := keep(conn):
                self.log.info("days of single messages: %s tables made and dropped", done)
        except (SesError, StatementFailed) as problem:
            self.log.warning("the days of single messages are as they were: %s", problem)

    def _serve_api(self, conn: Connection) -> list[dict[str, Any]]:
        """Copy the settings that the API needs, and do what it asks of Airflow; returns the runs that it asks for."""
        from ses_ops.application.airflow_requests import forget_old_requests
        from ses_ops.orchestration.airflow_sync import copy_settings
        from ses_ops.orchestration.task_requests import do_in_task

        try:
            runs, problems = do_in_task(conn)
            for words in problems:
                self.log.warning("the API asked for what cannot be done: %s", words)
            copy_settings(conn)
            forget_old_requests(conn)
        except (SesError, StatementFailed) as problem:
            self.log.warning("the API's copy of the settings is as it was: %s", problem)
            return []
        return runs

    def _look_up_providers(self, conn: Connection) -> None:
        """Look up mailbox providers of recipients, for a few seconds at most."""
        from ses_ops.application.mailbox_providers import look_up_providers
        from ses_ops.transports.mail_exchangers import mail_exchangers

        try:
            if done := look_up_providers(conn, mail_exchangers):
                self.log.info("mailbox providers of %s domains were looked up", done)
        except (SesError, StatementFailed) as problem:
            self.log.warning("no mailbox provider was looked up: %s", problem)

    def _announce(self, context: Context, conn: Connection) -> None:
        """Update the assets of send tasks whose occurrences have finished. A problem is one of the log."""
        from airflow.sdk import Asset

        from ses_ops.application.announce_occurrences import asset_extra, asset_uri, to_announce

        ti = context["ti"]

        def states_of(run_ids: Sequence[str]) -> dict[str, str | None]:
            found = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=list(run_ids))
            return {run_id: states.get(ti.task_id) for run_id, states in found.items()}

        try:
            finished = to_announce(conn, run_id=ti.run_id, states_of=states_of)
        except (SesError, StatementFailed) as problem:
            self.log.warning("no asset of a send task was updated: %s", problem)
            return
        for one in finished:
            context["outlet_events"][FINISHED].add(Asset(asset_uri(one.task)), extra=asset_extra(one))
            self.log.info("start %s of %s is finished: %s is updated", one.start, one.task, asset_uri(one.task))

    def _has_a_run(self, context: Context, of_dag: str) -> bool:
        ti = context["ti"]
        if ti.get_dr_count(dag_id=of_dag, states=["running"]) > 0:
            return True
        return ti.get_dr_count(dag_id=of_dag, states=["queued"]) >= QUEUED_ENOUGH
