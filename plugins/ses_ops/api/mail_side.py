"""Acceptance and sending of single messages in a process of the API, made of its parts and started in their order."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ses_ops import api_settings, settings
from ses_ops.application.single_messages.accept import Acceptor
from ses_ops.application.single_messages.due import DueMessages
from ses_ops.application.single_messages.orders import AcceptanceLimits
from ses_ops.application.single_messages.preparing import MailPreparer
from ses_ops.application.template_source import TemplateSource
from ses_ops.errors import DatabaseUnavailable, LedgerRestored, NotSetUp, SesError
from ses_ops.sending.single.sender import SingleMailSender
from ses_ops.storage.connection import StatementFailed, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_ops.application.airflow_copy import AirflowCopy
    from ses_ops.application.single_messages.orders import Answer, Order
    from ses_ops.domain.single_message import SingleMessage
    from ses_ops.sending.single.prepared_mail import PreparedMail

#: Seconds between two tries to begin while PostgreSQL is unavailable or has another schema.
AGAIN = 1.0
#: Seconds for mail that has begun when this process is stopped.
STOP_WITHIN = 5.0
_log = logging.getLogger(__name__)


class LiveMail:
    """The mail side of one process. Nothing is accepted until PostgreSQL can be reached, which is tried on and on."""

    def __init__(self, dsn: str, airflow: AirflowCopy) -> None:
        self._dsn = dsn
        self._airflow = airflow
        self._limits = AcceptanceLimits(
            per_address=api_settings.api_per_address(), idempotency_hours=api_settings.api_idempotency_hours()
        )
        self._preparer = MailPreparer(dsn, templates=TemplateSource(settings.templates_root()), smtp=airflow.smtp)
        self._sender: SingleMailSender | None = None
        self._acceptor: Acceptor | None = None
        self._due: DueMessages | None = None
        self._beginning: asyncio.Task[None] | None = None
        self._problem: Exception | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin; if that cannot be done now, begin as soon as it can."""
        if not await self._begin():
            self._beginning = asyncio.get_running_loop().create_task(self._begin_later())

    async def close(self) -> None:
        """End: what has begun is sent, the rest is given back to the ledger."""
        self._stopping = True
        if self._beginning is not None:
            self._beginning.cancel()
            with suppress(asyncio.CancelledError):
                await self._beginning
        if self._due is not None:
            await self._due.stop()
        if self._acceptor is not None:
            await self._acceptor.stop()
        if self._sender is not None:
            await self._sender.stop(STOP_WITHIN)
        await asyncio.to_thread(self._preparer.close)

    async def prepare(self, message: SingleMessage) -> PreparedMail:
        """See `MailPreparer.prepare`."""
        return await self._preparer.prepare(message)

    async def accept(self, orders: Sequence[Order]) -> list[Answer]:
        """See `Acceptor.accept`. Raises DatabaseUnavailable too while this process has not begun or ends."""
        if self._acceptor is None or self._stopping:
            raise self._problem or DatabaseUnavailable("acceptance_stopped")
        return await self._acceptor.accept(orders)

    def health(self) -> dict[str, Any]:
        """`failing` while nothing is accepted; `degraded` while what is accepted waits for the mail server."""
        if self._sender is None or self._acceptor is None:
            return {"status": "failing", "database": _word(self._problem)}
        now = self._sender.health()
        database_problem = now.database_problem or self._acceptor.problem
        return {
            "status": "failing" if database_problem else "degraded" if now.relay_problem else "ok",
            "database": _word(database_problem) if database_problem else "ok",
            "mail_server": "unavailable" if now.relay_problem else "ok",
            "under_way": now.under_way,
            "waiting": now.waiting,
        }

    async def _begin(self) -> bool:
        sender = SingleMailSender(
            self._dsn, smtp=self._airflow.smtp, plans=self._airflow.plans, remake=self._preparer.remake
        )
        try:
            chunks = await asyncio.to_thread(sender.begin)
        except (DatabaseUnavailable, NotSetUp, StatementFailed) as cause:
            # A statement fails where a standby takes no changes yet, say.
            said = one_line(cause)
            problem = cause if isinstance(cause, SesError) else DatabaseUnavailable("database_failed", cause=said)
            if str(problem) != str(self._problem):
                _log.warning("no message is accepted: %s", problem)
            self._problem = problem
            return False
        acceptor = Acceptor(
            self._dsn, chunks=chunks, plans=self._airflow.plans, started=sender.add, limits=self._limits
        )
        sender.start()
        acceptor.start()
        self._due = DueMessages(self._dsn, acceptor=acceptor, remake=self._preparer.remake)
        self._due.start()
        self._sender, self._acceptor, self._problem = sender, acceptor, None
        return True

    async def _begin_later(self) -> None:
        while True:
            await asyncio.sleep(AGAIN)
            try:
                if await self._begin():
                    return
            except Exception:  # a bug must not end the tries for ever
                _log.exception("no message is accepted")


def _word(problem: Exception | None) -> str:
    return "restored" if isinstance(problem, LedgerRestored) else "unavailable"
