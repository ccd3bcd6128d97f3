"""What the routes of the listener work with, kept at `request.app.state.services`."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.application.event_intake import EventIntake
from ses_ops.application.token_secrets import TokenSecrets
from ses_ops.application.unsubscribe import Subscription, subscription
from ses_ops.errors import DatabaseUnavailable
from ses_ops.public.rates import RequestRate
from ses_ops.storage.connection import connect, transaction

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from psycopg2.extensions import connection as Connection
    from starlette.requests import Request

    from ses_ops.domain.message_event import MessageKey

#: Seconds for which a page waits for what the database has to say, and the threads that ask it.
SHOWN_WITHIN, _LOOKING = 0.4, 2
_OPTIONS = "-c statement_timeout=1000 -c default_transaction_read_only=on"


class Subscriptions:
    """Looks subscriptions up for pages, which show a plain sentence where that takes too long."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._threads = ThreadPoolExecutor(_LOOKING, thread_name_prefix="subscription")
        self._own = threading.local()
        self._asked = 0

    async def find(self, key: MessageKey) -> Subscription | None:
        """The subscription of a message; None if there is none, or the database does not say so within a moment."""
        if self._asked >= 10 * _LOOKING:  # all threads are stuck or busy
            return None
        self._asked += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._find, key)
        future.add_done_callback(self._answered)
        try:
            return await asyncio.wait_for(asyncio.shield(future), SHOWN_WITHIN)
        except Exception:  # also an answer that a page cannot be made of: the request itself does not hang on it
            return None

    def close(self) -> None:
        """Take no more questions."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answered(self, future: asyncio.Future[Subscription | None]) -> None:
        self._asked -= 1
        if not future.cancelled():
            future.exception()

    def _find(self, key: MessageKey) -> Subscription | None:
        conn: Connection | None = getattr(self._own, "conn", None)
        if conn is None or conn.closed:
            self._own.conn = conn = connect(
                self._dsn, application="ses unsubscribe page", options=_OPTIONS, connect_timeout=2
            )
        try:
            with transaction(conn):
                return subscription(conn, key)
        except DatabaseUnavailable:
            conn.close()
            raise


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one process of the listener."""

    intake: EventIntake
    secrets: TokenSecrets
    subscriptions: Subscriptions
    #: Part of SES_PUBLIC_URL behind the host, "" or "/mail": a proxy may pass it on or take it off.
    prefix: str = ""
    #: By client. A person mistypes a few; a mail client's prefetch of a damaged link asks a few times.
    wrong_tokens: RequestRate = field(default_factory=lambda: RequestRate(most=60, seconds=60))
    #: By token: what one person can want in an hour, and a mailbox provider that repeats.
    leaving: RequestRate = field(default_factory=lambda: RequestRate(most=20, seconds=3600))
    coming_back: RequestRate = field(default_factory=lambda: RequestRate(most=10, seconds=3600))

    #: By token: opens and clicks that are kept; further ones are answered alike.
    engaging: RequestRate = field(default_factory=lambda: RequestRate(most=60, seconds=3600, keys=50_000))

    @classmethod
    def of(cls, dsn: str, spool_folder: Path, *, prefix: str = "") -> Self:
        """The services for a database and a folder of the spool."""
        intake, secrets = EventIntake(dsn, spool_folder), TokenSecrets(dsn, spool_folder)
        return cls(intake=intake, secrets=secrets, subscriptions=Subscriptions(dsn), prefix=prefix)

    def start(self) -> None:
        """Begin. Raises OSError when the folder of the spool cannot be made or written."""
        self.intake.start()
        self.secrets.start()

    def close(self) -> None:
        """End; what was answered is kept."""
        self.secrets.close()
        self.intake.close()
        self.subscriptions.close()


def services_of(request: Request) -> Services:
    """The services of the app that a request came to."""
    services: Services = request.app.state.services
    return services
