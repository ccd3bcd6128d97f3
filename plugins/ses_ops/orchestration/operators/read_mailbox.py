"""The task of `ses_bounce_mailbox`: read the mailbox that bounces come to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from ses_ops.errors import LookUpFailed
from ses_ops.orchestration.connections import BOUNCE_MAILBOX, bounce_mailbox, ses_db_dsn
from ses_ops.orchestration.operators.base import SesOperator
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReadMailboxOperator(SesOperator):
    """Reads the mailbox of the connection `ses_bounce_mailbox`; without one it is skipped."""

    def task_name(self, context: Context) -> str | None:  # noqa: ARG002
        """None, because this step concerns all send tasks."""
        return None

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Store what the mails say, and move them out of the folder; the counts."""
        from ses_ops.application.bounce_mailbox import read_mailbox
        from ses_ops.events.imap_mailbox import ImapMailbox, MailboxUnavailable

        settings = bounce_mailbox()
        if settings is None:
            raise AirflowSkipException(f"there is no connection {BOUNCE_MAILBOX}, so no mailbox is read")
        try:
            with (
                connected(ses_db_dsn(), application="ses-ops bounce mailbox") as conn,
                ImapMailbox(settings) as mailbox,
            ):
                done = read_mailbox(conn, mailbox)
        except MailboxUnavailable as cause:
            raise LookUpFailed(cause.code, **cause.facts) from cause  # worth a retry
        self.log.info("%s", done.sentence)
        return asdict(done)
