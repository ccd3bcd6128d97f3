"""Single messages made ready for acceptance in a long-lived process: rendered with what their sender domain has.

What a sender domain has (bounce domain, secret of tokens) is read from PostgreSQL by a thread and kept for some
seconds, so that a request that is refused or replayed costs no query.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ses_ops import settings
from ses_ops.domain.single_message import SingleMessage, read_stored
from ses_ops.errors import ConnectionProblem, DatabaseUnavailable, InvalidInput, NotSetUp
from ses_ops.rendering.message import ProviderHeader
from ses_ops.sending.single.prepared_mail import PreparedMail, Templates, prepare
from ses_ops.sending.task_renderer import RendererExtras
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.events import tracked_links
from ses_ops.storage.events.recording import installation_id
from ses_ops.storage.events.token_secrets import token_secrets
from ses_ops.storage.quota.sender_domains import bounce_domains
from ses_ops.storage.single_messages.open_chunks import ensure_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.transports.smtp.settings import SmtpSettings

#: Seconds for which the facts of the sender domains are kept.
KEPT = 5.0
#: Characters of a message without a template up to which it is made in the event loop: some 100 microseconds.
_SMALL = 20_000
#: Largest number of sets of links that are remembered as stored.
_MOST_LINKS = 10_000
_OPTIONS = "-c statement_timeout=3000"


class LoadedTemplates(Templates, Protocol):
    """Templates of which some are read from PostgreSQL first: application/template_source.py."""

    def needs(self, name: str, version: int | None = None) -> bool:
        """Whether `load` has to be called before `find`."""

    def load(self, conn: Connection, name: str, version: int | None = None) -> None:
        """Read a template. Raises TemplateError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderFacts:
    """What mail that leaves has from PostgreSQL, and from the settings."""

    installation_id: str
    token_secret: bytes = field(repr=False)
    bounce_domains: dict[str, str]
    #: Of the settings, which are looked up in a file.
    public_url: str | None
    #: The headers that the mail server's connection asks for.
    provider_header: ProviderHeader | None
    headers: Mapping[str, str]


class MailPreparer:
    """Prepares messages, and makes them anew of what is stored. Safe for several threads."""

    def __init__(self, dsn: str, *, templates: LoadedTemplates, smtp: Callable[[], SmtpSettings]) -> None:
        self._dsn = dsn
        self._templates = templates
        self._smtp = smtp
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="prepare")
        self._lock = threading.Lock()
        self._conn: Connection | None = None
        self._facts: SenderFacts | None = None
        self._read_at = 0.0
        self._reading = False
        #: Sender domains with links that are stored.
        self._kept: set[tuple[str, tuple[str, ...]]] = set()

    async def prepare(self, message: SingleMessage) -> PreparedMail:
        """A message that can be accepted. Raises InvalidInput, TemplateError, NotFound, DatabaseUnavailable."""
        loop = asyncio.get_running_loop()
        facts = self._facts
        if facts is None:
            facts = await loop.run_in_executor(self._threads, self.facts)
        elif time.monotonic() - self._read_at > KEPT and not self._reading:
            self._reading = True
            loop.run_in_executor(self._threads, self._renew)
        if _is_small(message):
            return self._prepared(message, facts)
        return await loop.run_in_executor(self._threads, self._prepared, message, facts)

    def remake(self, stored: bytes) -> PreparedMail:
        """A message of what is stored of it. Raises as `prepare`."""
        try:
            message = read_stored(stored)
        except ValueError as cause:
            raise InvalidInput("content_of_another_version") from cause
        return self._prepared(message, self.facts())

    def facts(self) -> SenderFacts:
        """The facts, read now if they are too old; those before while PostgreSQL is unavailable."""
        with self._lock:
            if self._facts is None or time.monotonic() - self._read_at > KEPT:
                try:
                    self._facts = self._read()
                    self._read_at = time.monotonic()
                except DatabaseUnavailable:
                    if self._facts is None:
                        raise
            return self._facts

    def close(self) -> None:
        """End."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._conn is not None:
            self._conn.close()

    def _renew(self) -> None:
        try:
            self.facts()
        finally:
            self._reading = False

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._dsn, application="ses api facts", options=_OPTIONS, connect_timeout=3)
        return self._conn

    def _read(self) -> SenderFacts:
        conn = self._connected()
        header, headers = self._of_server()
        with transaction(conn):
            return SenderFacts(
                installation_id=installation_id(conn),
                token_secret=token_secrets(conn)[0],
                bounce_domains=bounce_domains(conn),
                public_url=settings.public_url(),
                provider_header=header,
                headers=headers,
            )

    def _load_template(self, message: SingleMessage) -> None:
        name, version = message.template, message.template_version
        if name is not None and self._templates.needs(name, version):
            with self._lock:
                self._templates.load(self._connected(), name, version)

    def _keep_links(self, prepared: PreparedMail) -> None:
        """Store the targets of tracked links: what clicks are counted by."""
        key = (prepared.message.sender.domain, prepared.targets)
        if key in self._kept:
            return
        with self._lock:
            conn = self._connected()
            with transaction(conn):
                tracked_links.keep(conn, task_id=ensure_task(conn, key[0]), targets=key[1])
            if len(self._kept) >= _MOST_LINKS:
                self._kept.clear()
            self._kept.add(key)

    def _prepared(self, message: SingleMessage, facts: SenderFacts) -> PreparedMail:
        self._load_template(message)
        url = facts.public_url
        prepared = prepare(
            message,
            self._templates,
            extras=RendererExtras(
                bounce_domain=facts.bounce_domains.get(message.sender.domain),
                token_secret=facts.token_secret,
                provider_header=facts.provider_header,
                headers=facts.headers,
            ),
            installation_id=facts.installation_id,
            unsubscribe_page=None if url is None else f"{url}/u/",
            public_url=url,
        )
        if prepared.targets:
            self._keep_links(prepared)
        return prepared

    def _of_server(self) -> tuple[ProviderHeader | None, dict[str, str]]:
        """The headers that the mail server's connection asks for; none while no server is known.

        While the connection is wrong the former ones hold, as for the sender: no message is at fault.
        """
        try:
            server = self._smtp()
        except NotSetUp:
            return None, {}
        except ConnectionProblem:
            former = self._facts
            return (None, {}) if former is None else (former.provider_header, dict(former.headers))
        header = ProviderHeader(*server.provider_header) if server.provider_header else None
        return header, dict(server.headers)


def _is_small(message: SingleMessage) -> bool:
    """Whether a message is made in microseconds: no template, no loop, no attachment."""
    texts = (message.subject or "", message.text or "", message.html or "")
    return (
        message.template is None
        and not message.track.clicks
        and not message.attachments
        and sum(map(len, texts)) <= _SMALL
        and not any("{%" in one for one in texts)
    )
